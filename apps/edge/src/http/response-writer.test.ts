import { parseRequestHead, parseResponseHead } from '@culvert/http1';
import type { LinkStream } from '@culvert/link';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ResponseWriter } from './response-writer.ts';
import { readResponse } from '../testing/response.ts';

/** Stands in for a client's socket. */
class Client {
  text = '';
  writes = 0;
  writableNeedDrain = false;

  write(bytes: string | Buffer): boolean {
    this.text += bytes.toString('latin1');
    this.writes++;
    return !this.writableNeedDrain;
  }

  cork(): void {}
  uncork(): void {}
}

function respond(
  head: string,
  body: string,
  whole: boolean,
  options: { version?: string; method?: string } = {},
) {
  const { version = '1.1', method = 'GET' } = options;
  const client = new Client();
  const taken: number[] = [];
  const request = parseRequestHead(`${method} / HTTP/${version}\r\nHost: a\r\n\r\n`);
  const buffer = Buffer.from(body, 'latin1');
  const writer = new ResponseWriter(
    client as unknown as Socket,
    { taken: (bytes: number) => taken.push(bytes) } as unknown as LinkStream,
    request,
    parseResponseHead(`HTTP/1.1 ${head}\r\n\r\n`, method),
    true,
    { buffer, start: 0, end: buffer.length, whole },
  );
  const data = (text: string): boolean => writer.data(Buffer.from(text, 'latin1'), 0, text.length);
  return { client, writer, data, taken, sum: () => taken.reduce((all, bytes) => all + bytes, 0) };
}

describe('a small response', () => {
  it('is one write, its credit given back', () => {
    const { client, writer, taken } = respond('200 OK\r\nContent-Length: 5', 'hello', true);
    expect(client.text).toBe('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello');
    expect(client.writes).toBe(1);
    expect(taken).toEqual([5]);
    expect(writer.end('')).toBe(true);
    expect(writer.persists).toBe(true);
  });
});

describe('framing', () => {
  it('is never told twice, whatever the service said', () => {
    for (const head of ['200 OK\r\nTransfer-Encoding: chunked', '200 OK', '200 OK\r\nContent-Length: 5']) {
      for (const whole of [true, false]) {
        const { client } = respond(head, 'hello', whole);
        expect(client.text.match(/content-length|transfer-encoding/gi)).toHaveLength(1);
      }
    }
  });

  it('in chunks has none for an empty piece, and one end', () => {
    const { client, writer, data } = respond('200 OK', '', false);
    expect([data(''), data('hello'), data(''), writer.end('X: 1\r\n')]).toEqual([true, true, true, true]);
    expect(client.text).toMatch(/\r\n\r\n5\r\nhello\r\n0\r\nX: 1\r\n\r\n$/);
  });

  it('by the connection’s end cannot persist', () => {
    const { client, writer, data } = respond('200 OK', 'hel', false, { version: '1.0' });
    data('lo');
    expect(writer.persists).toBe(false);
    expect(client.text).toBe('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello');
    expect(writer.end('X: 1\r\n')).toBe(true);
    expect(client.text).toMatch(/hello$/);
  });

  it('of known length refuses what is beyond, and tells when something lacks', () => {
    const longer = respond('200 OK\r\nContent-Length: 5', 'hel', false);
    expect([longer.data('lo'), longer.data('!')]).toEqual([true, false]);
    expect(longer.client.text).toMatch(/hello$/);
    const shorter = respond('200 OK\r\nContent-Length: 5', 'hel', false);
    expect(shorter.writer.end('')).toBe(false);
  });

  it.each([
    ['304 Not Modified\r\nContent-Length: 9', 'GET'],
    ['200 OK\r\nContent-Length: 9', 'HEAD'],
    ['200 OK\r\nTransfer-Encoding: chunked', 'HEAD'],
    ['204 No Content', 'GET'],
  ])('of %j to %s allows no body', (head, method) => {
    const { client, writer, data } = respond(head, '', false, { method });
    expect(data('body')).toBe(false);
    expect(writer.end('')).toBe(true);
    expect(readResponse(Buffer.from(client.text), 0, false, 'without body')!.end).toBe(client.text.length);
  });
});

describe('credit', () => {
  it('is given back when the client has taken the bytes, not before', () => {
    const { client, writer, data, taken, sum } = respond('200 OK', 'first', false);
    client.writableNeedDrain = true;
    data('x'.repeat(40_000));
    data('y');
    expect(sum()).toBe(5);
    client.writableNeedDrain = false;
    writer.drained();
    expect(sum()).toBe(40_006);
    writer.drained();
    expect(taken).toEqual([5, 40_001]);
  });

  it('counts the body only, not its framing', () => {
    const { data, sum } = respond('200 OK', 'hello', false);
    data('x'.repeat(50_000));
    expect(sum()).toBe(50_005);
  });
});
