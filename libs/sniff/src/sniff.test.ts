import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sniff } from './index.ts';
import { alpn, hello, records, serverName } from './testing/hello.ts';

const read = (text: string) => sniff(Buffer.from(text, 'latin1'), text.length);
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

describe('the first bytes of a connection', () => {
  it.each([
    ...[
      'GET / HTTP/1.1\r\n',
      'PUT /',
      'POST http://a/',
      'PRI /x HTTP/1.1\r\n',
      'm-search *',
      '\r\nGET /',
      '\r\n\r\nGET /',
    ],
    // Broken, but text: the parser has the answer.
    ...['G@T /', 'GET\t/', 'GET\r', 'SSH-2.0-x y', `${'M'.repeat(64)} /`],
  ])('are HTTP/1: %j', (text) => {
    expect(read(text)).toEqual({ kind: 'http1' });
  });

  it('are HTTP/2 once the whole preface is there', () => {
    expect(read(`${PREFACE}\0\0`)).toEqual({ kind: 'http2' });
    expect(read(PREFACE.slice(0, 10))).toEqual({ kind: 'need-more', atLeast: 24 });
    expect(read('PRI * HTTP/2.0\r\n\r\nXX')).toEqual({ kind: 'http1' });
  });

  it.each(['', 'G', 'P', 'PR', 'GET', '\r', '\r\n', '\r\n\r', '\r\n\r\n'])('do not suffice: %j', (text) => {
    expect(read(text)).toMatchObject({ kind: 'need-more' });
  });

  it.each([
    '\0',
    '\x80\x2e\x01',
    ' GET /',
    '\nGET /',
    'GET\0',
    'G\xe9T /',
    '\r\n\r\n\r\nG',
    '\r\n\r\n\0\r\nX',
    '(',
    'M'.repeat(65),
  ])('are nothing known: %j', (text) => {
    expect(read(text)).toEqual({ kind: 'unknown' });
  });

  it('give the same verdict however they arrive, and what is decided stays decided', () => {
    const streams = fc.oneof(
      fc.constantFrom(
        'GET / HTTP/1.1\r\n\r\n',
        PREFACE,
        'PROXY UNKNOWN\r\nGET /',
        '\r\n\r\n\0\r\nQUIT\n\x20\0\0\0x',
        '\r\nGET /',
      ),
      fc
        .integer({ min: 30, max: 200 })
        .map((size) => records(hello([serverName('a.b'), alpn('h2')]), size).toString('latin1')),
      fc.string({ unit: 'binary-ascii', maxLength: 80 }),
    );
    fc.assert(
      fc.property(streams, fc.array(fc.nat(), { maxLength: 5 }), (text, cuts) => {
        const bytes = Buffer.from(text, 'latin1');
        const whole = sniff(bytes, bytes.length);
        for (const cut of cuts.map((seed) => seed % (bytes.length + 1))) {
          const early = sniff(bytes, cut);
          if (early.kind === 'need-more') expect(early.atLeast).toBeGreaterThan(cut);
          else expect(early).toEqual(whole);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('never make it throw, nor ask for more than a bound', () => {
    const starts = fc.constantFrom('\x16\x03\x01', '\r\n\r\n\0\r\nQUIT\n', 'PROXY ', 'GET ', '');
    const mutatedHello = fc.tuple(fc.nat(), fc.nat({ max: 255 })).map(([seed, value]) => {
      const bytes = records(hello([serverName('a.b'), alpn('h2')]), 60);
      bytes[seed % bytes.length] = value;
      return bytes;
    });
    const noise = fc
      .tuple(starts, fc.uint8Array({ maxLength: 100 }))
      .map(([start, rest]) => Buffer.concat([Buffer.from(start, 'latin1'), rest]));
    fc.assert(
      fc.property(fc.oneof(mutatedHello, noise), (bytes) => {
        const verdict = sniff(bytes, bytes.length);
        if (verdict.kind === 'need-more') expect(verdict.atLeast).toBeLessThan(65_536 + 16_389);
      }),
      { numRuns: 4_000 },
    );
  });
});
