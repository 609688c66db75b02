import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GoAwayCode, ResetCode, goAwayName, isFinalRefusal, isUndelivered } from './codes.ts';
import { MAX_HEAD_BYTES, MAX_PAYLOAD_BYTES, Kind } from './frame.ts';
import { decodeGoAway, decodeReset, encodeGoAway, encodeReset } from './go-away.ts';
import { chooseVersion, decodeEdges, decodeHello, decodeVersions, decodeWelcome } from './hello.ts';
import { Protocol, openBytes, packUuid, readOpen, unpackUuid, writeOpen } from './open.ts';
import { ProtocolError } from './protocol-error.ts';

const latin1 = (maxLength: number) =>
  fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });

const openMeta = fc.record({
  protocol: fc.constantFrom(Protocol.Http, Protocol.Tcp),
  hops: fc.integer({ min: 0, max: 255 }),
  window: u32,
  tunnel: fc.uuid().map(packUuid),
  hostname: latin1(300),
  client: latin1(60),
  head: latin1(2_000),
});

const readers: readonly [string, (payload: Buffer) => unknown][] = [
  ['hello', decodeHello],
  ['versions', decodeVersions],
  ['welcome', decodeWelcome],
  ['edges', decodeEdges],
  ['go-away', decodeGoAway],
  ['reset', decodeReset],
  ['open', (payload) => readOpen(payload, 0, payload.length)],
];

describe('payloads', () => {
  it('an opening is read as it was written, wherever it lies', () => {
    fc.assert(
      fc.property(openMeta, fc.nat(20), fc.uint8Array({ maxLength: 50 }), (meta, at, body) => {
        const end = at + openBytes(meta) + body.length;
        const buffer = Buffer.alloc(end + 5, 0xaa);
        const bodyStart = writeOpen(buffer, at, meta);
        buffer.set(body, bodyStart);
        expect(readOpen(buffer, at, end)).toEqual({ ...meta, bodyStart });
        expect(bodyStart + body.length).toBe(end);
      }),
    );
  });

  it('an opening cut anywhere before its end is refused', () => {
    fc.assert(
      fc.property(openMeta, fc.nat(), (meta, cut) => {
        const buffer = Buffer.alloc(openBytes(meta));
        writeOpen(buffer, 0, meta);
        expect(() => readOpen(buffer, 0, cut % buffer.length)).toThrow(ProtocolError);
      }),
    );
  });

  it('an opening takes a head of the largest size and none larger', () => {
    const meta = {
      protocol: Protocol.Http,
      hops: 0,
      window: 0,
      tunnel: packUuid(''),
      hostname: '',
      client: '',
    };
    const largest = { ...meta, tunnel: '\0'.repeat(16), head: 'x'.repeat(MAX_HEAD_BYTES) };
    const larger = { ...largest, head: `${largest.head}x` };
    const written = (open: typeof largest) => {
      const buffer = Buffer.alloc(openBytes(open));
      writeOpen(buffer, 0, open);
      return buffer;
    };
    expect(readOpen(written(largest), 0, openBytes(largest)).head).toHaveLength(MAX_HEAD_BYTES);
    expect(() => readOpen(written(larger), 0, openBytes(larger))).toThrow(ProtocolError);
  });

  it.each(readers)('%s: random bytes give an answer or a ProtocolError', (_name, read) => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 120 }).map((raw) => Buffer.from(raw)),
      fc.json().map((json) => Buffer.concat([Buffer.from([1, 1, 0, 0, 0, 0]), Buffer.from(json)])),
      fc.json().map((json) => Buffer.from(json)),
      fc
        .object({ key: fc.constantFrom('role', 'tunnel', 'edge', 'edges', 'claims', 'window', 'nonce') })
        .map((body) =>
          Buffer.concat([
            Buffer.from([1, 1, 0, 0, 0, 0]),
            Buffer.from(JSON.stringify({ role: 'agent', ...body })),
          ]),
        ),
    );
    fc.assert(
      fc.property(bytes, (payload) => {
        try {
          read(payload);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('the text of a go-away or reset is cut to what a frame may carry, never inside a character', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'é', '✓', '🚇'), minLength: 300, maxLength: 900 }),
        (text) => {
          const goAway = encodeGoAway({ code: GoAwayCode.Busy, retryAfterMs: 1, text });
          const reset = encodeReset({ code: ResetCode.Internal, text });
          expect(goAway.length).toBeLessThanOrEqual(MAX_PAYLOAD_BYTES[Kind.GoAway]);
          expect(reset.length).toBeLessThanOrEqual(MAX_PAYLOAD_BYTES[Kind.Reset]);
          expect(text.startsWith(decodeGoAway(goAway).text)).toBe(true);
          expect(text.startsWith(decodeReset(reset).text)).toBe(true);
        },
      ),
    );
  });

  it('a UUID comes back from its packed form', () => {
    fc.assert(fc.property(fc.uuid(), (uuid) => unpackUuid(packUuid(uuid)) === uuid));
  });
});

describe('versions', () => {
  it.each([
    ['the only one', 1, 1, 1],
    ['the highest in common', 0, 9, 1],
    ['none with an older dialer', 0, 0, undefined],
    ['none with a newer dialer', 2, 3, undefined],
    ['none when the range is empty', 2, 1, undefined],
  ])('chosen is %s', (_case, minVersion, maxVersion, chosen) => {
    expect(chooseVersion({ minVersion, maxVersion })).toBe(chosen);
  });

  it('are read from a hello whose body belongs to a version not known here', () => {
    const hello = Buffer.concat([Buffer.from([7, 9, 0, 0, 0, 4]), Buffer.from('not even JSON')]);
    expect(decodeVersions(hello)).toEqual({ minVersion: 7, maxVersion: 9, features: 4 });
  });
});

describe('codes', () => {
  it('only resets that say so are safe to repeat', () => {
    const safe = Object.values(ResetCode).filter(isUndelivered);
    const { NotDelivered, NotHere, Refused, Busy } = ResetCode;
    expect(safe).toEqual([NotDelivered, NotHere, Refused, Busy]);
  });

  it('have names for logs, also when they are not known', () => {
    expect(goAwayName(GoAwayCode.UnknownTunnel)).toBe('unknown_tunnel');
    expect(goAwayName(GoAwayCode.NotAPeer)).toBe('not_a_peer');
    expect(goAwayName(999)).toBe('code_999');
  });

  it('a refusal for now is not final', () => {
    expect([GoAwayCode.Busy, GoAwayCode.Unavailable, GoAwayCode.Draining].some(isFinalRefusal)).toBe(false);
    expect(
      [GoAwayCode.UnknownTunnel, GoAwayCode.Unauthorized, GoAwayCode.Version].every(isFinalRefusal),
    ).toBe(true);
  });
});
