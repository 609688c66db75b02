import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkPartialAnswer,
  checkPartialHead,
  DEFAULT_HEAD_LIMITS,
  findHeadEnd,
  headStart,
  Http1Error,
  unendingHead,
} from './index.ts';

const soup = fc
  .array(fc.constantFrom('\r', '\n', '\r\n', 'a', '\0', 'b:'), { maxLength: 40 })
  .map((parts) => parts.join(''));

describe('the end of a head', () => {
  it('is where the first CRLFCRLF ends', () => {
    fc.assert(
      fc.property(soup, (text) => {
        const bytes = Buffer.from(text, 'latin1');
        const at = text.indexOf('\r\n\r\n');
        expect(findHeadEnd(bytes, 0, bytes.length)).toBe(at === -1 ? -1 : at + 4);
      }),
    );
  });

  it('is found in any number of pieces', () => {
    fc.assert(
      fc.property(soup, fc.nat(), (text, seed) => {
        const bytes = Buffer.from(text, 'latin1');
        const cut = seed % (bytes.length + 1);
        const early = findHeadEnd(bytes, 0, cut);
        const found = early === -1 ? findHeadEnd(bytes, Math.max(0, cut - 3), bytes.length) : early;
        expect(found).toBe(findHeadEnd(bytes, 0, bytes.length));
      }),
    );
  });

  it('is not looked for in leading empty lines, of which there may be two', () => {
    const bytes = Buffer.from('\r\n\r\n\r\nGET');
    expect(headStart(bytes, 0, bytes.length)).toBe(4);
    expect(headStart(bytes, 4, 5)).toBe(4);
    expect(headStart(Buffer.from('\nGET'), 0, 4)).toBe(0);
  });
});

describe('an unfinished head', () => {
  it.each(['GET / HTTP/1.1\nHost: a\n\n', 'GET / \0', 'GET /\rX', '\x16\x03\x01'])(
    'is refused early: %j',
    (text) => {
      expect(() => checkPartialHead(Buffer.from(text, 'latin1'), 0, text.length)).toThrow('in head');
    },
  );

  it.each(['GET / HTTP/1.1\r\nHost: a\r\n', 'GET / HTTP/1.1\r', 'X: \xe9\t'])('is waited for: %j', (text) => {
    expect(() => checkPartialHead(Buffer.from(text, 'latin1'), 0, text.length)).not.toThrow();
  });

  it('may be checked piece by piece', () => {
    const bytes = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\nX: y\r');
    for (let end = 1; end <= bytes.length; end += 1) {
      expect(() => checkPartialHead(bytes, Math.max(0, end - 2), end)).not.toThrow();
    }
  });

  it.each(['H', 'HTTP/1.', 'HTTP/1.1 200 OK\r\nA: b\r'])('of an answer is waited for: %j', (text) => {
    expect(() => checkPartialAnswer(Buffer.from(text), 0, 0, text.length)).not.toThrow();
  });

  it.each(['SSH-2.0-x\r\n', 'HTTP/2', 'h', '\r\n', '\x15\x03\x01', 'HTTP/1.1 200 OK\nA: b\n\n'])(
    'of an answer is refused early: %j',
    (text) => {
      expect(() => checkPartialAnswer(Buffer.from(`..${text}`), 2, 2, 2 + text.length)).toThrow(Http1Error);
    },
  );

  it('that grows too large is told for its target or for its fields', () => {
    const target = Buffer.from(`GET /${'a'.repeat(40_000)}`);
    const fields = Buffer.from(`GET / HTTP/1.1\r\nX: ${'a'.repeat(40_000)}`);
    expect(unendingHead(target, 0, target.length, DEFAULT_HEAD_LIMITS).status).toBe(414);
    expect(unendingHead(fields, 0, fields.length, DEFAULT_HEAD_LIMITS).status).toBe(431);
  });
});
