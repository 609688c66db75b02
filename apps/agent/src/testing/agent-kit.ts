import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { parseSettings } from '@culvert/settings';
import { agentSchema, type AgentSettings } from '../settings.ts';
import { TUNNEL } from './edge-double.ts';

/** An agent's settings as a file would give them. */
export function agentSettings(
  edges: readonly string[],
  ingress: readonly object[],
  more: object = {},
): AgentSettings {
  const under = { tunnel: TUNNEL, token: 'secret-token', edges, ingress, links: 1, ...more };
  return parseSettings('', agentSchema, { file: 'test', under });
}

/** A service that says exactly what a test wants, and remembers its connections. */
export class RawService {
  readonly sockets: Socket[] = [];
  /** What each connection has received so far. */
  readonly received: string[] = [];
  /** Connections that the other side has ended or reset. */
  closed = 0;
  readonly #server: Server;

  private constructor(onData: (socket: Socket, received: string, connection: number) => void) {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      const connection = this.sockets.push(socket) - 1;
      this.received.push('');
      socket.on('error', () => undefined);
      socket.on('close', () => this.closed++);
      socket.on('data', (chunk: Buffer) => {
        this.received[connection] += chunk.toString('latin1');
        onData(socket, this.received[connection]!, connection);
      });
      socket.on('end', () => socket.end());
    });
  }

  /** @param onData called with everything that came on the connection so far */
  static async start(
    onData: (socket: Socket, received: string, connection: number) => void = () => undefined,
  ): Promise<RawService> {
    const service = new RawService(onData);
    await new Promise<void>((resolve) => service.#server.listen(0, '127.0.0.1', resolve));
    return service;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
