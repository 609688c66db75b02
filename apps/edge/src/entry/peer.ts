import { canonicalAddress, remoteAddress } from '@culvert/socket';
import type { Endpoint } from '@culvert/sniff';
import type { Socket } from 'node:net';
import type { TrustedProxies } from './trusted-proxies.ts';

/** The other end of a public connection: the socket's, or whom a trusted proxy speaks for by PROXY protocol. */
export interface Peer {
  /** IPv4 also where it came mapped into IPv6. */
  readonly address: string;
  readonly port: number;
  /** The port that it connected to. */
  readonly localPort: number;
  /** Whether it is a trusted proxy itself. */
  readonly trusted: boolean;
}

export function peerOf(socket: Socket, trusted: TrustedProxies): Peer {
  const address = remoteAddress(socket);
  const { remotePort = 0, localPort = 0 } = socket;
  return { address, port: remotePort, localPort, trusted: trusted.has(address) };
}

/** Whom a header of the PROXY protocol names. */
export function proxiedPeer(source: Endpoint, destination: Endpoint, trusted: TrustedProxies): Peer {
  const address = canonicalAddress(source.address) ?? source.address;
  return { address, port: source.port, localPort: destination.port, trusted: trusted.has(address) };
}
