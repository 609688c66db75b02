import type { TLSSocket } from 'node:tls';
import { openSocket, type Endpoint, type UpstreamTls } from './endpoint.ts';
import type { Agreed } from './negotiated-target.ts';

/** Asks a service by ALPN which HTTP it speaks, on a connection for this purpose. Answers within the time (ms). */
export function askForHttp(
  endpoint: Endpoint,
  tls: UpstreamTls,
  timeout: number,
  answer: (agreed: Agreed) => void,
): void {
  const protocols = ['h2', 'http/1.1'];
  const socket = openSocket(endpoint, { tls, protocols, session: undefined, halfOpen: false }) as TLSSocket;
  let agreed: Agreed = 'http/1.1';
  socket.setTimeout(timeout, () => socket.destroy());
  socket.on('error', () => undefined);
  socket.on('secureConnect', () => {
    if (socket.alpnProtocol === 'h2') agreed = 'h2';
    socket.destroy();
  });
  socket.on('close', () => answer(agreed));
}
