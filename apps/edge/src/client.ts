import type { Socket } from 'node:net';

/** Who is at the other end of a public connection. */
export interface Client {
  /** Without the prefix of IPv4 addresses mapped into IPv6. */
  readonly address: string;
  /** `address:port`, IPv6 in brackets. */
  readonly text: string;
  /** The part of a forwarded head that is the same for all requests of the connection. */
  readonly forwardedFields: string;
}

const MAPPED_IPV4 = '::ffff:';

export function clientOf(socket: Socket, proto: 'http' | 'https'): Client {
  const remote = socket.remoteAddress ?? '0.0.0.0';
  const address = remote.startsWith(MAPPED_IPV4) ? remote.slice(MAPPED_IPV4.length) : remote;
  const text = `${address.includes(':') ? `[${address}]` : address}:${socket.remotePort ?? 0}`;
  return { address, text, forwardedFields: `X-Forwarded-For: ${address}\r\nX-Forwarded-Proto: ${proto}\r\n` };
}
