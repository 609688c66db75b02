import { readFileSync } from 'node:fs';
import { isIP, type Socket } from 'node:net';
import type { EdgeSettings } from '../settings.ts';
import type { TlsListenerSettings } from '../tls/certificate-store.ts';

/** What edges prove to each other to know where their certificates are the proof: no secret. */
const KNOWN_TO_ALL = 'mutual TLS';

/**
 * How peers are dialled where they listen with TLS. All edges of an installation are configured alike, so the own
 * listener's settings tell what the others'.
 */
export function peerTls(peers: EdgeSettings['peers']): ((host: string, port: number) => Socket) | undefined {
  if (peers?.tls === undefined) return undefined;
  const ca = peers.ca === undefined ? {} : { ca: readFileSync(peers.ca) };
  const own = peers.mutualTls ? peers.tls.certificates[0] : undefined;
  const tls = process.getBuiltinModule('node:tls');
  return (host, port) => {
    // Server names are names: an address is not sent as one, and checked all the same (RFC 6066 §3).
    const servername = isIP(host) === 0 ? { servername: host } : {};
    // Read for each of the few dials, since it may have been renewed.
    const shown = own === undefined ? {} : { cert: readFileSync(own.cert), key: readFileSync(own.key) };
    return tls.connect({ host, port, ...servername, ...ca, ...shown });
  };
}

/** How other edges are taken in: with mutual TLS, who shows no certificate of the authority gets no further. */
export function peerListenerTls(peers: EdgeSettings['peers']): TlsListenerSettings | undefined {
  if (peers?.tls === undefined || peers.ca === undefined || !peers.mutualTls) return peers?.tls;
  return { ...peers.tls, clientCertificates: { ca: peers.ca, mode: 'require' } };
}

/** What is proved in the handshake of a link; undefined: this edge neither relays nor is relayed to. */
export function peerSecret({ secret, peers }: EdgeSettings): string | undefined {
  return secret?.reveal() ?? (peers?.mutualTls === true ? KNOWN_TO_ALL : undefined);
}
