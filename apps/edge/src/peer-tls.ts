import { readFileSync } from 'node:fs';
import { isIP, type Socket } from 'node:net';
import type { EdgeSettings } from './settings.ts';

/**
 * How peers are dialled where they listen with TLS. All edges of an installation are configured alike, so the own
 * listener's settings tell what the others'.
 */
export function peerTls(peers: EdgeSettings['peers']): ((host: string, port: number) => Socket) | undefined {
  if (peers?.tls === undefined) return undefined;
  const ca = peers.ca === undefined ? {} : { ca: readFileSync(peers.ca) };
  const tls = process.getBuiltinModule('node:tls');
  return (host, port) => {
    // Server names are names: an address is not sent as one, and checked all the same (RFC 6066 §3).
    const servername = isIP(host) === 0 ? { servername: host } : {};
    return tls.connect({ host, port, ...servername, ...ca });
  };
}
