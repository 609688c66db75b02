import { describe, expect, it } from 'vitest';
import { sniff } from './index.ts';

const read = (bytes: Buffer) => sniff(bytes, bytes.length);
const text = (line: string) => read(Buffer.from(line, 'latin1'));

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const tlv = (type: number, value: Buffer) => Buffer.concat([Buffer.from([type, 0, value.length]), value]);

function v2(command: number, family: number, rest: Buffer): Buffer {
  const length = Buffer.from([rest.length >> 8, rest.length & 0xff]);
  return Buffer.concat([SIGNATURE, Buffer.from([command, family]), length, rest]);
}

const IPV4 = Buffer.from([192, 0, 2, 1, 198, 51, 100, 2, 0x1f, 0x90, 0x01, 0xbb]);
const IPV6 = Buffer.from('20010db80000000000000000000000010000000000000000000000000000000100500051', 'hex');
const ends = {
  source: { address: '192.0.2.1', port: 8080 },
  destination: { address: '198.51.100.2', port: 443 },
};
const nobody = { source: undefined, destination: undefined };

describe('PROXY protocol version 1', () => {
  it('names both ends and its length', () => {
    const line = 'PROXY TCP4 192.0.2.1 198.51.100.2 8080 443\r\n';
    expect(text(`${line}GET /`)).toEqual({
      kind: 'proxy-protocol',
      version: 1,
      headerLength: line.length,
      ...ends,
    });
  });

  it('takes IPv6', () => {
    expect(text('PROXY TCP6 2001:DB8::1 ::1 80 81\r\n')).toMatchObject({
      source: { address: '2001:db8::1', port: 80 },
      destination: { address: '::1', port: 81 },
    });
  });

  it.each(['PROXY UNKNOWN\r\n', 'PROXY UNKNOWN ffff:f...f:ffff 65535 x\r\n'])(
    'may know nothing: %j',
    (line) => {
      expect(text(line)).toEqual({
        kind: 'proxy-protocol',
        version: 1,
        headerLength: line.length,
        ...nobody,
      });
    },
  );

  it('is waited for wherever it is cut', () => {
    const line = Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.2 8080 443\r\n');
    for (let length = 1; length < line.length; length += 1) {
      expect(sniff(line, length)).toEqual({ kind: 'need-more', atLeast: length + 1 });
    }
  });

  it.each([
    ...[
      'PROXY TCP4 ::1 ::1 1 2\r\n',
      'PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n',
      'PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n',
    ],
    ...[
      'PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n',
      'PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n',
      'PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n',
    ],
    ...[
      'PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n',
      'PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n',
      'PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n',
    ],
    ...[
      'PROXY TCP4 01.2.3.4 1.2.3.4 1 2\r\n',
      'PROXY TCP6 fe80::1%lo ::1 1 2\r\n',
      `PROXY UNKNOWN ${'x'.repeat(120)}`,
    ],
  ])('is invalid: %j', (line) => {
    expect(text(line)).toMatchObject({ kind: 'invalid', protocol: 'proxy-protocol' });
  });
});

describe('PROXY protocol version 2', () => {
  it('names both ends and its length', () => {
    const bytes = Buffer.concat([v2(0x21, 0x11, IPV4), Buffer.from('GET /')]);
    expect(read(bytes)).toEqual({ kind: 'proxy-protocol', version: 2, headerLength: 28, ...ends });
    expect(read(v2(0x21, 0x21, IPV6))).toMatchObject({
      source: { address: '2001:db8::1', port: 80 },
      destination: { address: '::1', port: 81 },
    });
  });

  it('passes over TLVs', () => {
    const bytes = v2(
      0x21,
      0x11,
      Buffer.concat([IPV4, tlv(1, Buffer.from('h2')), tlv(0xee, Buffer.alloc(0))]),
    );
    expect(read(bytes)).toMatchObject({ headerLength: bytes.length, ...ends });
  });

  it.each([
    ['LOCAL', v2(0x20, 0x00, Buffer.alloc(0))],
    ['LOCAL, with bytes of no meaning', v2(0x20, 0x11, Buffer.alloc(5))],
    ['an unspecified family', v2(0x21, 0x00, Buffer.alloc(0))],
    ['a UNIX socket', v2(0x21, 0x31, Buffer.alloc(216))],
  ])('speaks for nobody with %s', (_what, bytes) => {
    expect(read(bytes)).toEqual({
      kind: 'proxy-protocol',
      version: 2,
      headerLength: bytes.length,
      ...nobody,
    });
  });

  it('has its checksum verified where present', () => {
    const bytes = v2(0x21, 0x11, Buffer.concat([IPV4, tlv(3, Buffer.alloc(4))]));
    expect(read(bytes)).toMatchObject({ kind: 'invalid', reason: 'bad checksum' });
    bytes.writeUInt32BE(bitwiseCrc32c(bytes), bytes.length - 4);
    expect(read(bytes)).toMatchObject({ kind: 'proxy-protocol', ...ends });
    bytes[17]! ^= 1;
    expect(read(bytes)).toMatchObject({ kind: 'invalid', reason: 'bad checksum' });
  });

  it('is waited for wherever it is cut, and asks for no more than it is', () => {
    const bytes = v2(0x21, 0x11, IPV4);
    for (let length = 1; length < bytes.length; length += 1) {
      const verdict = sniff(bytes, length);
      expect(verdict.kind).toBe('need-more');
      if (verdict.kind === 'need-more') expect(verdict.atLeast).toBeLessThanOrEqual(bytes.length);
    }
  });

  it.each([
    ['unknown version', v2(0x11, 0x11, IPV4)],
    ['unknown command', v2(0x22, 0x11, IPV4)],
    ['unknown address family', v2(0x21, 0x41, IPV4)],
    ['unknown address family', v2(0x21, 0x13, IPV4)],
    ['structure cut short', v2(0x21, 0x21, IPV4)],
    ['structure cut short', v2(0x21, 0x11, Buffer.concat([IPV4, Buffer.from([1, 0, 9])]))],
    ['header too large', Buffer.concat([SIGNATURE, Buffer.from([0x21, 0x11, 0xff, 0xff])])],
  ])('is invalid: %s', (reason, bytes) => {
    expect(read(bytes)).toEqual({ kind: 'invalid', protocol: 'proxy-protocol', reason });
  });
});

/** Bit by bit, as RFC 3720 §B.4 defines it; its own check value is tested first. */
function bitwiseCrc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

it('the checksum of the tests is CRC-32C', () => {
  expect(bitwiseCrc32c(Buffer.from('123456789'))).toBe(0xe306_9283);
});
