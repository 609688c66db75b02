import { SocketAddress } from 'node:net';
import { ByteReader } from './byte-reader.ts';
import { crc32c } from './crc32c.ts';
import { Malformed, needMore } from './verdict.ts';
import type { SniffLimits } from './sniff.ts';
import type { Endpoint, ProxyHeader, Verdict } from './verdict.ts';

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const FIXED = 16;
const COMMAND = { local: 0, proxy: 1 } as const;
const CRC32C = 3;
/** Bytes of both addresses and ports, by address family: unspecified, IPv4, IPv6, UNIX. */
const ADDRESS_BYTES = [0, 12, 36, 216] as const;

/** The binary PROXY header, or `undefined` when the bytes are something else. Throws Malformed. */
export function sniffProxyV2(bytes: Buffer, limits: SniffLimits): Verdict | undefined {
  const seen = Math.min(bytes.length, SIGNATURE.length);
  if (bytes.compare(SIGNATURE, 0, seen, 0, seen) !== 0) return undefined;
  if (bytes.length < SIGNATURE.length) return needMore(seen + 1);
  if (bytes.length < FIXED) return needMore(FIXED);
  const headerLength = FIXED + bytes.readUInt16BE(14);
  if (headerLength > limits.proxyHeaderBytes) throw new Malformed('header too large');
  return bytes.length < headerLength ? needMore(headerLength) : readHeader(bytes.subarray(0, headerLength));
}

function readHeader(header: Buffer): ProxyHeader {
  const version = header[12]! >> 4;
  const command = header[12]! & 0xf;
  const family = header[13]! >> 4;
  if (version !== 2) throw new Malformed('unknown version');
  if (command !== COMMAND.local && command !== COMMAND.proxy) throw new Malformed('unknown command');
  if (family >= ADDRESS_BYTES.length || (header[13]! & 0xf) > 2)
    throw new Malformed('unknown address family');
  const reader = new ByteReader(header.subarray(FIXED));
  const result = { kind: 'proxy-protocol', version: 2, headerLength: header.length } as const;
  // A LOCAL connection speaks for itself whatever the rest says: a health check of the balancer.
  if (command === COMMAND.local) return { ...result, source: undefined, destination: undefined };
  const addresses = reader.take(ADDRESS_BYTES[family]!);
  checkTlvs(header, reader);
  return { ...result, ...endpoints(addresses, family) };
}

function endpoints(bytes: Buffer, family: number): Pick<ProxyHeader, 'source' | 'destination'> {
  if (family !== 1 && family !== 2) return { source: undefined, destination: undefined };
  const size = family === 1 ? 4 : 16;
  const at = (start: number, port: number): Endpoint => ({
    address: addressOf(bytes.subarray(start, start + size)),
    port: bytes.readUInt16BE(port),
  });
  return { source: at(0, 2 * size), destination: at(size, 2 * size + 2) };
}

function addressOf(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, group) => bytes.readUInt16BE(2 * group).toString(16));
  return new SocketAddress({ family: 'ipv6', address: groups.join(':') }).address;
}

/** Passes over all TLVs but the checksum, which must be right where it is present. */
function checkTlvs(header: Buffer, reader: ByteReader): void {
  while (reader.left > 0) {
    const type = reader.number(1);
    const value = reader.vector(2);
    if (type === CRC32C) checkSum(header, value, header.length - reader.left - value.length);
  }
}

function checkSum(header: Buffer, value: Buffer, at: number): void {
  if (value.length !== 4) throw new Malformed('bad checksum');
  const zeroed = Buffer.from(header).fill(0, at, at + 4);
  if (crc32c(zeroed) !== value.readUInt32BE()) throw new Malformed('bad checksum');
}
