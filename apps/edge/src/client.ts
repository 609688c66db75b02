import { remoteAddress, remoteText } from '@culvert/socket';
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

export function clientOf(socket: Socket, proto: 'http' | 'https'): Client {
  const address = remoteAddress(socket);
  const text = remoteText(socket);
  return { address, text, forwardedFields: `X-Forwarded-For: ${address}\r\nX-Forwarded-Proto: ${proto}\r\n` };
}
