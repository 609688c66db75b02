import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_HEAD_LIMITS } from './index.ts';
import { readOurs, readTheirs } from './testing/exchange.ts';
import { mutated, requests, responses } from './testing/messages.ts';

const limits = { ...DEFAULT_HEAD_LIMITS, methods: 'known' as const };
const runs = Number(process.env['CULVERT_FUZZ_RUNS'] ?? 4_000);

/** Whatever was whole to us before the first refusal or the end must have been the same to llhttp. */
function agree(text: string, side: 'request' | 'response'): void {
  const bytes = Buffer.from(text, 'latin1');
  const theirs = readTheirs(bytes, side);
  const ours = readOurs(bytes, side, limits);
  if (ours.outcome === 'upgraded' || theirs.outcome === 'upgraded') return;
  const known = theirs.messages.slice(0, ours.messages.length);
  expect([text, ...ours.messages.map(comparable)]).toEqual([text, ...known.map(comparable)]);
  if (ours.outcome === 'refused') return;
  // What llhttp refuses may still be unfinished to us, and then nothing more of it has been passed on.
  if (theirs.outcome === 'refused') expect([text, ours.outcome]).toEqual([text, 'partial']);
  else expect([text, theirs.messages.length]).toEqual([text, ours.messages.length]);
}

/** Absolute-form is normalised by us and not by llhttp. */
function comparable(message: { readonly start: string; readonly body: string }) {
  return { ...message, start: message.start.replace(/ https?:\/\/[^/?]*\/?/i, ' /') };
}

describe('compared with llhttp in its strict mode', () => {
  it('refuses every request that llhttp refuses, and frames alike what both accept', () => {
    fc.assert(
      fc.property(fc.oneof(requests, mutated(requests)), (text) => agree(text, 'request')),
      { numRuns: runs },
    );
  });

  it('refuses every response that llhttp refuses, and frames alike what both accept', () => {
    fc.assert(
      fc.property(fc.oneof(responses, mutated(responses)), (text) => agree(text, 'response')),
      { numRuns: runs },
    );
  });

  it('accepts what is sane', () => {
    const sane =
      'POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nX: y\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n';
    const bytes = Buffer.from(sane, 'latin1');
    expect(readOurs(bytes, 'request', limits)).toEqual(readTheirs(bytes, 'request'));
    expect(readOurs(bytes, 'request', limits).messages).toHaveLength(2);
  });
});
