import { SocketAddress, isIPv4, isIPv6 } from 'node:net';

/** The parts of a socket that tell its other end; undefined once it is gone. */
export interface RemoteEnd {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

const MAPPED_IPV4 = '::ffff:';

/** The address of the other end; one of IPv4 is written so also where the listener speaks IPv6. */
export function remoteAddress(end: RemoteEnd): string {
  return unmapped(end.remoteAddress ?? '0.0.0.0');
}

/** `address:port`, IPv6 in brackets. */
export function remoteText(end: RemoteEnd): string {
  return addressText(remoteAddress(end), end.remotePort ?? 0);
}

/** `address:port`, IPv6 in brackets. */
export function addressText(address: string, port: number): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

/** The one spelling of an address that others are compared with; undefined for what is none, or has a zone. */
export function canonicalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  if (!isIPv6(text) || text.includes('%')) return undefined;
  return unmapped(new SocketAddress({ family: 'ipv6', address: text }).address);
}

function unmapped(address: string): string {
  return address.startsWith(MAPPED_IPV4) && isIPv4(address.slice(MAPPED_IPV4.length))
    ? address.slice(MAPPED_IPV4.length)
    : address;
}
