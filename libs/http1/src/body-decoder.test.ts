import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bodyDecoder, chunkHeader, CHUNK_END, ChunkedDecoder, lastChunk, LengthDecoder } from './index.ts';
import type { BodyDecoder } from './index.ts';

/** Pushes `bytes` cut at `cuts`; what came out, and how much of `bytes` was the message. */
function decode(decoder: BodyDecoder, bytes: Buffer, cuts: readonly number[] = []) {
  let body = '';
  const sink = {
    onData: (data: Buffer, start: number, end: number) => {
      body += data.toString('latin1', start, end);
    },
  };
  const edges = [...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  let taken = 0;
  for (const edge of edges) if (edge > taken && !decoder.done) taken = decoder.push(bytes, taken, edge, sink);
  return { body, taken };
}

const cuts = fc.array(fc.nat(), { maxLength: 8 });
const encoded = (pieces: readonly string[], trailers = '') =>
  pieces.map((piece) => `${chunkHeader(piece.length)}${piece}${CHUNK_END}`).join('') + lastChunk(trailers);

describe('a chunked body', () => {
  it('decodes to what was encoded, cut anywhere, and leaves the next message alone', () => {
    const pieces = fc.array(fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 40 }), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(pieces, cuts, (list, at) => {
        const text = encoded(list, 'X-T: 1\r\n');
        const decoder = new ChunkedDecoder();
        const { body, taken } = decode(decoder, Buffer.from(`${text}GET /`, 'latin1'), at);
        expect([body, taken, decoder.done]).toEqual([list.join(''), text.length, true]);
        expect(decoder.trailers).toBe('X-T: 1\r\n');
        expect(decoder.received).toBe(body.length);
      }),
    );
  });

  it('passes over extensions', () => {
    const text = '5;a;b=c;d="e\\"; f"\r\nhello\r\n0;z\r\n\r\n';
    expect(decode(new ChunkedDecoder(), Buffer.from(text)).body).toBe('hello');
  });

  it('bounds extensions over the whole message', () => {
    const text = '1;abc\r\nx\r\n'.repeat(10);
    const decoder = new ChunkedDecoder({ extensionBytes: 20, trailerBytes: 100, trailers: 2 });
    expect(() => decode(decoder, Buffer.from(text))).toThrow('chunk extensions too long');
  });

  it('drops trailers that route, authenticate or describe, and hop-by-hop ones', () => {
    const trailers =
      'grpc-status: 0\r\nAuthorization: x\r\nSet-Cookie: a\r\nConnection: close\r\nX-Forwarded-For: b\r\n';
    const decoder = new ChunkedDecoder();
    decode(decoder, Buffer.from(lastChunk(trailers)));
    expect(decoder.trailers).toBe('grpc-status: 0\r\n');
  });

  it.each([
    ['too many', 'a: b\r\nc: d\r\n'],
    ['too long', `a: ${'b'.repeat(60)}\r\n`],
  ])('refuses trailers when they are %s', (_what, trailers) => {
    const decoder = new ChunkedDecoder({ extensionBytes: 9, trailerBytes: 50, trailers: 1 });
    expect(() => decode(decoder, Buffer.from(lastChunk(trailers)))).toThrow(
      expect.objectContaining({ status: 431 }) as Error,
    );
  });

  it('hands on the pieces it got, as views of the caller’s buffer', () => {
    const bytes = Buffer.from('a\r\n0123456789\r\n0\r\n\r\n');
    const seen: string[] = [];
    const sink = {
      onData: (data: Buffer, start: number, end: number) =>
        void seen.push(`${data === bytes} ${start} ${end}`),
    };
    new ChunkedDecoder().push(bytes, 0, bytes.length, sink);
    expect(seen).toEqual(['true 3 13']);
  });

  it('is not encoded from an empty piece, which would end it', () => {
    expect(() => chunkHeader(0)).toThrow(RangeError);
  });
});

describe('a body of known length', () => {
  it('ends after its bytes, cut anywhere', () => {
    fc.assert(
      fc.property(fc.nat({ max: 30 }), cuts, (length, at) => {
        const bytes = Buffer.alloc(40, 'x');
        const decoder = new LengthDecoder(length);
        const { body, taken } = decode(decoder, bytes, at);
        expect([body.length, taken, decoder.done]).toEqual([length, length, true]);
      }),
    );
  });

  it('is never done when it ends with its connection', () => {
    const decoder = bodyDecoder({ body: 'close', contentLength: -1 });
    expect(decoder?.push(Buffer.alloc(9), 0, 9)).toBe(9);
    expect(decoder?.done).toBe(false);
  });

  it('has no decoder where there is none', () => {
    expect(bodyDecoder({ body: 'none', contentLength: 5 })).toBeUndefined();
  });
});
