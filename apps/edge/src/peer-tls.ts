import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { EdgeSettings } from './settings.ts';

/**
 * How peers are dialled where they listen with TLS. All edges of an installation are configured alike, so the own
 * listener's settings tell what the others'.
 */
export function peerTls(peers: EdgeSettings['peers']): ((host: string, port: number) => Socket) | undefined {
  if (peers?.tls === undefined) return undefined;
  const ca = peers.ca === undefined ? {} : { ca: readFileSync(peers.ca) };
  const tls = process.getBuiltinModule('node:tls');
  return (host, port) => tls.connect({ host, port, servername: host, ...ca });
}
