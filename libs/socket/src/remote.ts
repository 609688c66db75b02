/** The parts of a socket that tell its other end; undefined once it is gone. */
export interface RemoteEnd {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

const MAPPED_IPV4 = '::ffff:';

/** The address of the other end; one of IPv4 is written so also where the listener speaks IPv6. */
export function remoteAddress(end: RemoteEnd): string {
  const address = end.remoteAddress ?? '0.0.0.0';
  return address.startsWith(MAPPED_IPV4) ? address.slice(MAPPED_IPV4.length) : address;
}

/** `address:port`, IPv6 in brackets. */
export function remoteText(end: RemoteEnd): string {
  const address = remoteAddress(end);
  return `${address.includes(':') ? `[${address}]` : address}:${end.remotePort ?? 0}`;
}
