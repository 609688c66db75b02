import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bodyDecoder,
  DEFAULT_HEAD_LIMITS,
  Http1Error,
  parseRequestHead,
  parseResponseHead,
} from './index.ts';
import { readOurs } from './testing/exchange.ts';
import { mutated, requests, responses } from './testing/messages.ts';

const numRuns = Number(process.env['CULVERT_FUZZ_RUNS'] ?? 4_000);
const noise = fc.string({ unit: 'binary-ascii', maxLength: 80 });

function orRefusal<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Http1Error) return undefined;
    throw error;
  }
}

/** What a block of fields may be, whatever came in. */
const CLEAN = /^(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*$/;
const HOP_BY_HOP =
  /^(?:host|content-length|transfer-encoding|connection|keep-alive|upgrade|te|expect|proxy-(?:connection|authenticate|authorization)|forwarded|x-forwarded-[^:]*|x-real-ip|x-request-id)\s*:/im;

describe('whatever bytes arrive', () => {
  it('a request head is refused or clean', () => {
    fc.assert(
      fc.property(fc.oneof(mutated(requests), noise), (text) => {
        const end = text.indexOf('\r\n\r\n');
        const head = orRefusal(() => parseRequestHead(end === -1 ? text : text.slice(0, end + 4)));
        if (head === undefined) return;
        expect(head.fields).toMatch(CLEAN);
        expect(head.fields).not.toMatch(HOP_BY_HOP);
        expect(head.target).toMatch(/^[!-~]+$/);
        expect(head.target).not.toContain('#');
        expect(head.host).toMatch(/^[\w.:[\]-]*$/);
      }),
      { numRuns },
    );
  });

  it('a response head is refused or clean', () => {
    fc.assert(
      fc.property(fc.oneof(mutated(responses), noise), (text) => {
        const end = text.indexOf('\r\n\r\n');
        const head = orRefusal(() => parseResponseHead(end === -1 ? text : text.slice(0, end + 4), 'GET'));
        if (head === undefined) return;
        expect(head.fields).toMatch(CLEAN);
        expect(head.reason).toMatch(/^[\t\x20-\x7e\x80-\xff]*$/);
        expect(head.fields).not.toMatch(
          /^(?:content-length|transfer-encoding|connection|keep-alive|upgrade)\s*:/im,
        );
      }),
      { numRuns },
    );
  });

  it('a refused head stays refused behind harmless ones', () => {
    const first = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
    fc.assert(
      fc.property(mutated(requests), (text) => {
        const alone = readOurs(Buffer.from(text, 'latin1'), 'request', DEFAULT_HEAD_LIMITS);
        const after = readOurs(Buffer.from(first + text, 'latin1'), 'request', DEFAULT_HEAD_LIMITS);
        expect(after).toEqual({ ...alone, messages: [{ start: 'GET /', body: '' }, ...alone.messages] });
      }),
      { numRuns },
    );
  });

  it('a chunked body gives the same in one piece and byte by byte', () => {
    const chunks = fc.constantFrom(
      '5\r\nhello\r\n',
      'A;x=y\r\n0123456789\r\n',
      '0\r\n',
      'X: y\r\n',
      '\r\n',
      ';',
      'g',
      '\n',
    );
    fc.assert(
      fc.property(fc.array(chunks, { maxLength: 6 }), (parts) => {
        const bytes = Buffer.from(parts.join(''), 'latin1');
        expect(outcome(bytes, 1)).toEqual(outcome(bytes, bytes.length));
      }),
      { numRuns },
    );
  });
});

function outcome(bytes: Buffer, step: number): { body: string; taken: number; refused: boolean } {
  const decoder = bodyDecoder({ body: 'chunked', contentLength: -1 })!;
  const result = { body: '', taken: 0, refused: false };
  const sink = {
    onData: (data: Buffer, start: number, end: number) =>
      void (result.body += data.toString('latin1', start, end)),
  };
  const fed = orRefusal(() => {
    while (result.taken < bytes.length && !decoder.done) {
      result.taken = decoder.push(bytes, result.taken, Math.min(bytes.length, result.taken + step), sink);
    }
    return true;
  });
  // How far a refused body was read depends on the pieces; what was passed on of it does not.
  return fed === undefined ? { ...result, taken: -1, refused: true } : result;
}
