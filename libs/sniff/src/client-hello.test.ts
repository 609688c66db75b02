import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_SNIFF_LIMITS, sniff } from './index.ts';
import { alpn, extension, grease, hello, records, serverName } from './testing/hello.ts';

const usual = [grease(0x0a0a), serverName('App.Example.com'), alpn('h2', 'http/1.1'), grease(0xfafa)];
const read = (bytes: Buffer) => sniff(bytes, bytes.length);
const tls = { kind: 'tls', serverName: 'app.example.com', alpn: ['h2', 'http/1.1'], ech: false };

describe('a ClientHello', () => {
  it('tells name and protocols, GREASE notwithstanding', () => {
    expect(read(records(hello(usual)))).toEqual(tls);
  });

  it('may be spread over records of any size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 5, max: 300 }), (size) => {
        expect(read(records(hello(usual), size))).toEqual(tls);
      }),
    );
  });

  it('is waited for, with a bound that grows to its length and no further, wherever it is cut', () => {
    const bytes = records(hello(usual), 50);
    for (let length = 0; length < bytes.length; length += 1) {
      const verdict = sniff(bytes, length);
      expect(verdict).toMatchObject({ kind: 'need-more' });
      if (verdict.kind === 'need-more') {
        expect(verdict.atLeast).toBeGreaterThan(length);
        expect(verdict.atLeast).toBeLessThanOrEqual(bytes.length);
      }
    }
  });

  it('may be larger than a record, as post-quantum keys make it', () => {
    const bytes = records(hello([...usual, extension(51, Buffer.alloc(30_000))]));
    expect(read(bytes)).toEqual(tls);
    expect(sniff(bytes, 16_400)).toMatchObject({ kind: 'need-more' });
  });

  it('what follows it is not its business', () => {
    expect(read(Buffer.concat([records(hello(usual)), Buffer.from('early data')]))).toEqual(tls);
  });

  it.each([
    ['no extensions at all', undefined],
    ['no name', [alpn('h2')]],
    ['an IPv4 address', [serverName('127.0.0.1')]],
    ['an IPv6 address', [serverName('::1')]],
  ])('with %s has no server name', (_what, extensions) => {
    expect(read(records(hello(extensions)))).toMatchObject({ kind: 'tls', serverName: undefined });
  });

  it('may offer encrypted client hello', () => {
    expect(read(records(hello([...usual, extension(0xfe0d, Buffer.alloc(9))])))).toEqual({
      ...tls,
      ech: true,
    });
  });

  it('loses the trailing dot of its name', () => {
    expect(read(records(hello([serverName('a.b.')])))).toMatchObject({ serverName: 'a.b' });
  });

  it.each([
    ['bad server name', hello([serverName('a b')])],
    ['bad server name', hello([serverName('a\0.example.com')])],
    ['bad server name', hello([serverName('a..b')])],
    ['bad server name', hello([serverName('é')])],
    ['repeated extension', hello([serverName('a'), serverName('b')])],
    ['unknown server name type', hello([extension(0, Buffer.from([0, 4, 1, 0, 1, 97]))])],
    ['bytes left over', hello([extension(0, Buffer.from([0, 4, 0, 0, 1, 97, 0]))])],
    ['structure cut short', hello([extension(16, Buffer.from([0, 9, 2, 104, 50]))])],
    ['structure cut short', hello([Buffer.from([0, 0, 0, 9])])],
    ['first handshake message is no client hello', Buffer.from([2, 0, 0, 1, 0])],
    ['structure cut short', Buffer.from([1, 0, 0, 2, 3, 3])],
    ['bad client version', Buffer.from([1, 0, 0, 2, 2, 0])],
  ])('is invalid for: %s', (reason, message) => {
    expect(read(records(message))).toEqual({ kind: 'invalid', protocol: 'tls', reason });
  });

  it.each([
    ['bad record version', [0x16, 2]],
    ['bad record version', [0x16, 3, 9]],
    ['bad record length', [0x16, 3, 1, 0, 0]],
    ['bad record length', [0x16, 3, 1, 0x40, 1]],
    ['client hello too large', [0x16, 3, 1, 0x40, 0, 1, 1, 0, 0]],
    ['first handshake message is no client hello', [0x16, 3, 1, 0x40, 0, 2]],
  ])('is refused as early as its first bytes show %s', (reason, bytes) => {
    expect(read(Buffer.from(bytes))).toEqual({ kind: 'invalid', protocol: 'tls', reason });
  });

  it('is refused in more records than one could need', () => {
    const bytes = records(hello(usual), 1);
    expect(read(bytes)).toMatchObject({ kind: 'invalid', reason: 'client hello in too many records' });
    expect(sniff(bytes, bytes.length, { ...DEFAULT_SNIFF_LIMITS, helloRecords: 4_096 })).toEqual(tls);
  });

  it('is refused when another record comes in between', () => {
    const bytes = Buffer.concat([records(hello(usual).subarray(0, 9)), Buffer.from([0x15, 3, 1, 0, 2])]);
    expect(read(bytes)).toMatchObject({
      kind: 'invalid',
      reason: 'record within client hello is no handshake',
    });
  });
});
