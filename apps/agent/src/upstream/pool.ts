import { coarseNow } from '@culvert/lifecycle';
import type { Deadlines } from '@culvert/lifecycle';
import type { Logger } from '@culvert/telemetry';
import type { AgentCounters } from '../counters.ts';
import { UpstreamConnection, type ConnectionHome, type ConnectionUser } from './connection.ts';
import { proxyHeader, type ProxyProtocol } from './proxy-header.ts';
import { endpointText, establishedBy, openSocket, type Endpoint, type UpstreamTls } from './endpoint.ts';

/** Times in ms. */
export interface PoolLimits {
  readonly connectTimeout: number;
  /** How long an unused connection is kept. */
  readonly keepAlive: number;
  readonly maxIdle: number;
  /** Connections in use at a time. */
  readonly maxRequests: number;
}

export interface PoolOptions {
  readonly endpoint: Endpoint;
  readonly limits: PoolLimits;
  readonly tls?: UpstreamTls;
  /** Connections begin by telling for which client they are, and serve no other. */
  readonly proxyProtocol?: ProxyProtocol | undefined;
  readonly deadlines: Deadlines;
  readonly counters: AgentCounters;
  readonly logger: Logger;
}

/**
 * A connection that was used so recently has most likely not been closed by its upstream meanwhile; the shortest
 * time after which servers in wide use do so is 2 s.
 */
const FRESH_MS = 1_000;

/** The kept-alive connections to one service. The one used last is used next, so that the surplus ages and goes. */
export class UpstreamPool implements ConnectionHome {
  readonly #options: PoolOptions;
  readonly #idle: UpstreamConnection[] = [];
  /** Of all connections, unused ones too. */
  #open = 0;
  #reachable = true;
  #closed = false;
  #tlsSession: Buffer | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Whether connections are for one client each. */
  get tellsClient(): boolean {
    return this.#options.proxyProtocol !== undefined;
  }

  /** Whether the service has as much to do as it may have. */
  get full(): boolean {
    return this.#open - this.#idle.length >= this.#options.limits.maxRequests;
  }

  /**
   * A connection for one exchange: an unused one or a new one that is still being made.
   * @param wanted `fresh` for a request that must not be sent twice: no connection that may just have been closed
   * @param client `address:port`, where `tellsClient`
   */
  take(user: ConnectionUser, wanted: 'any' | 'fresh', client?: string): UpstreamConnection {
    if (client !== undefined) this.#bringToFront(client);
    const oldest = wanted === 'fresh' ? coarseNow() - FRESH_MS : -Infinity;
    for (let last = this.#idle.at(-1); last !== undefined; last = this.#idle.at(-1)) {
      if (last.idleSince < oldest || last.client !== client) break;
      this.#idle.pop();
      this.#options.counters.upstreamIdle--;
      // Closed a moment ago: its `close` has not been told yet.
      if (last.socket.destroyed) continue;
      last.reused = true;
      last.hand(user);
      return last;
    }
    return this.connect(user, client);
  }

  /** A new connection. */
  connect(user: ConnectionUser, client?: string): UpstreamConnection {
    const { endpoint, limits, tls = {}, deadlines, counters } = this.#options;
    const socket = openSocket(endpoint, {
      tls,
      protocols: ['http/1.1'],
      session: this.#tlsSession,
      halfOpen: true,
    });
    if (endpoint.kind === 'https') socket.on('session', (session: Buffer) => (this.#tlsSession = session));
    const connection = new UpstreamConnection({
      socket,
      establishedBy: establishedBy(endpoint),
      connectTimeout: limits.connectTimeout,
      canReset: endpoint.kind === 'http' || endpoint.kind === 'tcp',
      client,
      user,
      home: this,
    });
    if (client !== undefined) socket.write(this.#proxyHeader(client));
    deadlines.watch(connection);
    counters.upstreamConnects++;
    counters.upstreamOpen++;
    this.#open++;
    return connection;
  }

  /** Takes back a connection on which an exchange was completed in both directions. */
  release(connection: UpstreamConnection): void {
    const { limits, counters } = this.#options;
    if (this.#closed || limits.maxIdle === 0) return connection.destroy();
    if (this.#idle.length >= limits.maxIdle) {
      if (connection.client === undefined) return connection.destroy();
      // The others are for clients that have not come again.
      this.#idle[0]?.destroy();
    }
    connection.hand(undefined);
    connection.idleSince = coarseNow();
    connection.deadline = connection.idleSince + limits.keepAlive;
    this.#idle.push(connection);
    counters.upstreamIdle++;
  }

  /** Closes what is unused, and from now on what becomes so. */
  close(): void {
    this.#closed = true;
    for (const connection of [...this.#idle]) connection.destroy();
  }

  onEstablished(): void {
    if (this.#reachable) return;
    this.#reachable = true;
    this.#options.logger.info('service reachable again', { service: endpointText(this.#options.endpoint) });
  }

  onGone(connection: UpstreamConnection, reason: string | undefined): void {
    const { deadlines, counters } = this.#options;
    deadlines.forget(connection);
    counters.upstreamOpen--;
    this.#open--;
    const index = this.#idle.lastIndexOf(connection);
    if (index !== -1) {
      this.#idle.splice(index, 1);
      counters.upstreamIdle--;
    }
    if (!connection.established && reason !== undefined) this.#onConnectFailed(reason);
  }

  /** The unused connection of that client, if there is one, is the next. */
  #bringToFront(client: string): void {
    const at = this.#idle.findLastIndex((connection) => connection.client === client);
    if (at !== -1) this.#idle.push(...this.#idle.splice(at, 1));
  }

  #proxyHeader(client: string): Buffer {
    const { endpoint, proxyProtocol = 'v1' } = this.#options;
    return proxyHeader(proxyProtocol, client, endpoint.kind === 'unix' ? 0 : endpoint.port);
  }

  /** One line when it begins, not one for each request. */
  #onConnectFailed(error: string): void {
    this.#options.counters.upstreamConnectFailures++;
    // A session that the upstream does not take any more must not be offered for ever.
    this.#tlsSession = undefined;
    if (!this.#reachable) return;
    this.#reachable = false;
    this.#options.logger.warn('service unreachable', {
      service: endpointText(this.#options.endpoint),
      error,
    });
  }
}
