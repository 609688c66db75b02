import { describe, expect, it } from 'vitest';
import { BodyCounter } from './body-counter.ts';
import { BenchFault } from './fault.ts';

const ANSWER = Buffer.from('HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 10\r\n\r\n0123456789');

describe('BodyCounter', () => {
  it.each([1, 2, 7, 49, 1_000])('counts two answers the same when bytes arrive %i at a time', (size) => {
    const counter = new BodyCounter();
    const totals = { bytes: 0, complete: 0 };
    for (const answer of [ANSWER, ANSWER]) {
      for (let at = 0; at < answer.length; at += size) {
        const { bytes, complete } = counter.take(answer.subarray(at, at + size));
        totals.bytes += bytes;
        totals.complete += complete ? 1 : 0;
      }
    }
    expect(totals).toEqual({ bytes: 20, complete: 2 });
  });

  it('refuses bytes after the end of a body', () => {
    expect(() => new BodyCounter().take(Buffer.concat([ANSWER, ANSWER]))).toThrow(BenchFault);
  });

  it.each(['HTTP/1.1 503 no\r\nContent-Length: 1\r\n\r\n', 'HTTP/1.1 200 OK\r\n\r\n'])(
    'refuses %j',
    (head) => {
      expect(() => new BodyCounter().take(Buffer.from(head))).toThrow(BenchFault);
    },
  );
});
