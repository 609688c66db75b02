import { MAX_HEAD_BYTES, readU32, writeU32 } from './frame.ts';
import { ProtocolError } from './protocol-error.ts';

/** What a stream carries. */
export const Protocol = {
  /** A request: its head comes with the opening frame, its body as data without transfer coding. */
  Http: 1,
  /** Raw bytes both ways. */
  Tcp: 2,
} as const;
export type Protocol = (typeof Protocol)[keyof typeof Protocol];

const TUNNEL_BYTES = 16;
const FIXED_BYTES = 1 + 1 + 4 + TUNNEL_BYTES + 2 + 2 + 4;

/** A stream's metadata: docs/protocol.md, section 5. */
export interface OpenMeta {
  readonly protocol: Protocol;
  /** 0 from an entry point, 1 when another edge passes it on; there is no second relay. */
  readonly hops: number;
  /** Bytes that the opener takes before it grants credit. */
  readonly window: number;
  /** The tunnel's UUID as 16 latin1 characters, one a byte: see `packUuid`. */
  readonly tunnel: string;
  /** Lower-case, without port; of raw streams the server name of TLS, or empty. */
  readonly hostname: string;
  /** The client's `address:port`, IPv6 in brackets. */
  readonly client: string;
  /** A complete HTTP/1.1 request head, latin1; empty for raw streams. */
  readonly head: string;
}

/** Bytes of an opening frame's payload without the stream's first bytes; strings are latin1. */
export function openBytes(meta: OpenMeta): number {
  return FIXED_BYTES + meta.hostname.length + meta.client.length + meta.head.length;
}

/** Writes the payload behind a frame header; the caller has room for `openBytes`. Returns the offset behind it. */
export function writeOpen(to: Buffer, at: number, meta: OpenMeta): number {
  to[at] = meta.protocol;
  to[at + 1] = meta.hops;
  writeU32(to, at + 2, meta.window);
  to.write(meta.tunnel, at + 6, TUNNEL_BYTES, 'latin1');
  let next = at + 6 + TUNNEL_BYTES;
  next = writeShort(to, next, meta.hostname);
  next = writeShort(to, next, meta.client);
  writeU32(to, next, meta.head.length);
  to.write(meta.head, next + 4, meta.head.length, 'latin1');
  return next + 4 + meta.head.length;
}

function writeShort(to: Buffer, at: number, text: string): number {
  to[at] = text.length >>> 8;
  to[at + 1] = text.length;
  to.write(text, at + 2, text.length, 'latin1');
  return at + 2 + text.length;
}

/** An opening frame read back, and where the stream's first bytes begin. */
export interface ReadOpen extends OpenMeta {
  readonly bodyStart: number;
}

/** @throws ProtocolError when the lengths inside do not fit the frame or the protocol is unknown. */
export function readOpen(from: Buffer, start: number, end: number): ReadOpen {
  if (end - start < FIXED_BYTES)
    throw new ProtocolError(`opening frame of ${end - start} bytes is too short`);
  const protocol = from[start]!;
  if (protocol !== Protocol.Http && protocol !== Protocol.Tcp) {
    throw new ProtocolError(`opening frame for unknown protocol ${protocol}`);
  }
  let at = start + 6;
  const tunnel = from.toString('latin1', at, at + TUNNEL_BYTES);
  at += TUNNEL_BYTES;
  const hostnameEnd = shortEnd(from, at, end);
  const hostname = from.toString('latin1', at + 2, hostnameEnd);
  const clientEnd = shortEnd(from, hostnameEnd, end);
  const client = from.toString('latin1', hostnameEnd + 2, clientEnd);
  if (clientEnd + 4 > end) throw new ProtocolError('opening frame ends inside its head length');
  const headLength = readU32(from, clientEnd);
  const headEnd = clientEnd + 4 + headLength;
  if (headLength > MAX_HEAD_BYTES || headEnd > end) {
    throw new ProtocolError(`opening frame announces a head of ${headLength} bytes`);
  }
  return {
    protocol,
    hops: from[start + 1]!,
    window: readU32(from, start + 2),
    tunnel,
    hostname,
    client,
    head: from.toString('latin1', clientEnd + 4, headEnd),
    bodyStart: headEnd,
  };
}

function shortEnd(from: Buffer, at: number, end: number): number {
  if (at + 2 > end) throw new ProtocolError('opening frame ends inside a length');
  const to = at + 2 + ((from[at]! << 8) | from[at + 1]!);
  if (to > end) throw new ProtocolError('opening frame ends inside a string');
  return to;
}

/** A UUID in text form as 16 latin1 characters. */
export function packUuid(uuid: string): string {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex').toString('latin1');
}

/** The text form of a packed UUID. */
export function unpackUuid(packed: string): string {
  const hex = Buffer.from(packed, 'latin1').toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
