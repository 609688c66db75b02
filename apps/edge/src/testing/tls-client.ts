import { once } from 'node:events';
import { connect } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { onTestFinished } from 'vitest';
import { RawClient } from './raw-client.ts';

/** A client that speaks HTTP/1.1 as a test says, over TLS. */
export interface TlsClient {
  readonly socket: TLSSocket;
  readonly client: RawClient;
  /** What it could resume later; of TLS 1.3 they come with the first bytes. */
  readonly sessions: readonly Buffer[];
}

/** Resolves after the handshake; rejects with what it failed of. */
export async function connectOverTls(port: number, options: ConnectionOptions): Promise<TlsClient> {
  const socket = connect({
    host: '127.0.0.1',
    port,
    servername: 'app.test',
    ALPNProtocols: ['http/1.1'],
    ...options,
  });
  const sessions: Buffer[] = [];
  socket.on('session', (session) => void sessions.push(session));
  const client = RawClient.over(socket);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'secureConnect');
  return { socket, client, sessions };
}
