import type { ProxyHeader } from '@culvert/sniff';
import type { Socket } from 'node:net';
import type { Admission } from './admission.ts';
import type { HttpContext } from '../http/http-context.ts';
import { proxiedPeer } from './peer.ts';
import type { Peer } from './peer.ts';

/**
 * Whom a trusted proxy's header names, counted as one more connection of that address; undefined where it has too many,
 * and the socket has been closed. A header that speaks for nobody, as that of a health check, leaves the peer as it is.
 */
export function believedPeer(
  socket: Socket,
  header: ProxyHeader,
  proxy: Peer,
  { admission, context }: { readonly admission: Admission; readonly context: HttpContext },
): Peer | undefined {
  if (header.source === undefined || header.destination === undefined) return proxy;
  const peer = proxiedPeer(header.source, header.destination, context.forwarding.trusted);
  if (peer.trusted) return peer;
  if (!admission.assign(peer.address)) {
    context.ways.counters.connectionsRefused++;
    socket.resetAndDestroy();
    return undefined;
  }
  socket.once('close', () => admission.unassign(peer.address));
  return peer;
}
