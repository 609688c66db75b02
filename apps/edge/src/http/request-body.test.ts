import { parseRequestHead } from '@culvert/http1';
import type { LinkStream } from '@culvert/link';
import { describe, expect, it } from 'vitest';
import { RequestBody } from './request-body.ts';

/** Stands in for a stream: notes what is sent. */
class Sent {
  text = '';
  ends = 0;
  trailers = '';
  heldBytes = 0;

  static of(bytes: Buffer, last: boolean): Sent {
    const sent = new Sent();
    sent.sendData(bytes, 0, bytes.length, last);
    return sent;
  }

  sendData(buffer: Buffer, start: number, end: number, last: boolean): boolean {
    this.text += buffer.toString('latin1', start, end);
    this.ends += last ? 1 : 0;
    return this.heldBytes === 0;
  }

  sendEnd(): void {
    this.ends++;
  }

  sendTrailers(fields: string): void {
    this.trailers = fields;
    this.ends++;
  }
}

const bodyOf = (fields: string) =>
  RequestBody.of(parseRequestHead(`PUT / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`));
const take = (body: RequestBody, text: string): number =>
  body.take(Buffer.from(text, 'latin1'), 0, text.length);
const open = (body: RequestBody): Sent =>
  body.open((bytes, last) => Sent.of(bytes, last) as unknown as LinkStream) as unknown as Sent;

describe('the body of a request', () => {
  it.each(['', 'Content-Length: 0\r\n'])('is none where the head says %j', (fields) =>
    expect(bodyOf(fields)).toBeUndefined(),
  );

  it('that was read before there was a stream goes along with its opening, and ends once', () => {
    const body = bodyOf('Content-Length: 5\r\n')!;
    expect(take(body, 'helloGET /')).toBe(5);
    expect(body.done).toBe(true);
    expect(open(body)).toMatchObject({ text: 'hello', ends: 1 });
  });

  it('goes on after the opening and ends with its last byte', () => {
    const body = bodyOf('Content-Length: 5\r\n')!;
    take(body, 'he');
    const sent = open(body);
    expect(sent).toMatchObject({ text: 'he', ends: 0 });
    take(body, 'llo');
    expect(sent).toMatchObject({ text: 'hello', ends: 1 });
  });

  it.each([
    ['before', true],
    ['after', false],
  ])('in chunks whose end came %s the opening ends with its trailers, or without', (_, early) => {
    for (const [tail, trailers] of [
      ['', ''],
      ['X: 1\r\n', 'X: 1\r\n'],
    ]) {
      const body = bodyOf('Transfer-Encoding: chunked\r\n')!;
      const text = `2\r\nhe\r\n3\r\nllo\r\n0\r\n${tail}\r\n`;
      if (early) take(body, text);
      const sent = open(body);
      if (!early) take(body, text);
      expect(sent).toMatchObject({ text: 'hello', trailers, ends: 1 });
    }
  });

  it('flows only while a stream takes it at once', () => {
    const body = bodyOf('Content-Length: 5\r\n')!;
    expect(body.flows).toBe(false);
    const sent = open(body);
    expect(body.flows).toBe(true);
    sent.heldBytes = 1;
    expect(body.flows).toBe(false);
  });

  it('can be sent again, whole, on each new stream', () => {
    const body = bodyOf('Transfer-Encoding: chunked\r\n')!;
    take(body, '2\r\nhe\r\n');
    open(body);
    take(body, '1\r\nl\r\n');
    expect(open(body)).toMatchObject({ text: 'hel', ends: 0 });
    take(body, '2\r\nlo\r\n0\r\nX: 1\r\n\r\n');
    expect(open(body)).toMatchObject({ text: 'hello', ends: 1, trailers: 'X: 1\r\n' });
  });

  it('is kept up to 64 KiB, and forgotten beyond that once it was sent', () => {
    const body = bodyOf('Content-Length: 200000\r\n')!;
    take(body, 'x'.repeat(65_536));
    open(body);
    expect(body.repeatable).toBe(true);
    take(body, 'x');
    expect(body.repeatable).toBe(false);
  });

  it('of which some waits to be sent is kept beyond that: nobody may be there to take it', () => {
    const body = bodyOf('Content-Length: 400000\r\n')!;
    take(body, 'a'.repeat(65_000));
    const nobody = open(body);
    nobody.heldBytes = 64_464;
    take(body, 'b'.repeat(65_000));
    expect(body.repeatable).toBe(true);
    body.detach();
    const somebody = open(body);
    expect(somebody.text).toBe('a'.repeat(65_000) + 'b'.repeat(65_000));
    take(body, 'c');
    expect(body.repeatable).toBe(false);
  });

  it('that comes while there is no stream is kept, however much it is: none of it was sent', () => {
    const body = bodyOf('Content-Length: 200000\r\n')!;
    take(body, 'a'.repeat(60_000));
    open(body);
    body.detach();
    take(body, 'b'.repeat(100_000));
    expect(body.flows).toBe(false);
    const again = open(body);
    expect(again.text).toBe('a'.repeat(60_000) + 'b'.repeat(100_000));
    expect(body.repeatable).toBe(false);
    take(body, 'c'.repeat(40_000));
    expect(again.text).toHaveLength(200_000);
    expect(again.ends).toBe(1);
  });
});
