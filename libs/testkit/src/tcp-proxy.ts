import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { resetSocket } from './reset-socket.ts';
import { Throttle } from './throttle.ts';
import type { Traffic } from './throttle.ts';

/** Seen from whoever connects to the proxy. */
export type Direction = 'up' | 'down';

const DIRECTIONS: readonly Direction[] = ['up', 'down'];

interface Connection {
  readonly client: Socket;
  readonly server: Socket;
}

/**
 * A network path that can be broken: a TCP listener that passes bytes on to a target, or does not. Faults apply to
 * running connections and to new ones alike, until `heal`.
 */
export class TcpProxy {
  readonly #server: Server;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #connections = new Set<Connection>();
  readonly #throttles: Readonly<Record<Direction, Throttle>> = { up: new Throttle(), down: new Throttle() };
  #isCut = false;

  private constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target;
    // Half-closed connections stay so on the other side, as on a real path.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#join(client));
  }

  /** @param listen by default a port of loopback that the system picks */
  static async start(
    target: { readonly host: string; readonly port: number },
    listen: { readonly host?: string; readonly port?: number } = {},
  ): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    proxy.#server.listen({ host: '127.0.0.1', port: 0, ...listen });
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** As configuration files name it. */
  get address(): string {
    return `${(this.#server.address() as AddressInfo).address}:${this.port}`;
  }

  /** Connections that pass through now. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Resets every connection; new ones work. */
  reset(): void {
    for (const { client, server } of [...this.#connections]) {
      resetSocket(client);
      resetSocket(server);
    }
  }

  /** Resets every connection, and each new one as soon as it is made. */
  cut(): void {
    this.#isCut = true;
    this.reset();
  }

  /** Bytes vanish from sight, and so do ends of connections: they arrive after `heal`, as if sent again. */
  blackHole(...directions: readonly Direction[]): void {
    this.#impair({ holds: true }, directions);
  }

  /** Every byte arrives so many ms later. */
  delay(delayMs: number, ...directions: readonly Direction[]): void {
    this.#impair({ delayMs }, directions);
  }

  /** All connections together pass at most so many bytes a second. */
  limit(bytesPerSecond: number, ...directions: readonly Direction[]): void {
    this.#impair({ bytesPerSecond }, directions);
  }

  heal(): void {
    this.#isCut = false;
    for (const direction of DIRECTIONS) this.#throttles[direction].set({});
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.reset();
    this.heal();
    await closed;
  }

  #impair(traffic: Traffic, directions: readonly Direction[]): void {
    for (const direction of directions.length === 0 ? DIRECTIONS : directions) {
      this.#throttles[direction].set(traffic);
    }
  }

  #join(client: Socket): void {
    client.on('error', () => undefined);
    if (this.#isCut) return void client.resetAndDestroy();
    const server = connect({ ...this.#target, noDelay: true, allowHalfOpen: true });
    server.on('error', () => undefined);
    const connection = { client, server };
    this.#connections.add(connection);
    this.#throttles.up.join(client, server);
    this.#throttles.down.join(server, client);
    for (const socket of [client, server]) {
      socket.once('close', () => this.#connections.delete(connection));
    }
  }
}
