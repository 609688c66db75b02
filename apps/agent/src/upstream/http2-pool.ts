import type { Deadlines } from '@culvert/lifecycle';
import type { Logger } from '@culvert/telemetry';
import type { AgentCounters } from '../counters.ts';
import { endpointText, openSocket, type Endpoint, type UpstreamTls } from './endpoint.ts';
import { Http2Connection, type Http2Home } from './http2-connection.ts';

/** Whoever wants to open a stream. */
export interface Http2User {
  /** There is room for one on this connection, to be used at once. */
  onConnection(connection: Http2Connection): void;
  /** No connection could be made. */
  onUnreachable(reason: string): void;
}

/** Times in ms. */
export interface Http2Limits {
  readonly connectTimeout: number;
  /** How long an unused connection is kept. */
  readonly keepAlive: number;
  /** Streams at a time, on all connections. */
  readonly maxRequests: number;
  /** Fields of an answer's head. */
  readonly maxFields: number;
}

export interface Http2PoolOptions {
  readonly endpoint: Endpoint;
  readonly limits: Http2Limits;
  readonly tls?: UpstreamTls;
  readonly deadlines: Deadlines;
  readonly counters: AgentCounters;
  readonly logger: Logger;
}

/** How many streams a connection is expected to take before it has said so. */
const EXPECTED_STREAMS = 100;

/**
 * The HTTP/2 connections to one service: the first with room is used, so that the surplus ages and goes. A new one is
 * made only when all are full.
 */
export class Http2Pool implements Http2Home {
  readonly #options: Http2PoolOptions;
  readonly #connections: Http2Connection[] = [];
  /** In the order in which they came. */
  readonly #waiting = new Set<Http2User>();
  /** Those who take a connection when the turn is over. */
  readonly #coming = new Set<Http2User>();
  #connecting = 0;
  #expectedStreams = EXPECTED_STREAMS;
  #reachable = true;
  #closed = false;

  constructor(options: Http2PoolOptions) {
    this.#options = options;
  }

  get secure(): boolean {
    return this.#options.endpoint.kind === 'https';
  }

  /** Whether the service has as much to do as it may have. */
  get full(): boolean {
    const { maxRequests } = this.#options.limits;
    if (maxRequests === Infinity) return false;
    const before = this.#coming.size + this.#waiting.size;
    return this.#connections.reduce((sum, { streams }) => sum + streams, before) >= maxRequests;
  }

  /** How long a connection may take to be made, in ms. */
  get connectTimeout(): number {
    return this.#options.limits.connectTimeout;
  }

  /** Gives the user a connection: at once where there is one with room. */
  take(user: Http2User): void {
    const connection = this.#connections.find(({ hasRoom }) => hasRoom);
    if (connection !== undefined) return user.onConnection(connection);
    this.#waiting.add(user);
    this.#dial();
  }

  /** The same when the turn is over. */
  takeLater(user: Http2User): void {
    this.#coming.add(user);
    queueMicrotask(() => {
      if (this.#coming.delete(user)) this.take(user);
    });
  }

  /** The user waits no more. */
  forget(user: Http2User): void {
    this.#coming.delete(user);
    this.#waiting.delete(user);
  }

  /** Closes what is unused, and from now on what becomes so. */
  close(): void {
    this.#closed = true;
    for (const connection of [...this.#connections]) connection.leave();
  }

  onRoom(connection: Http2Connection): void {
    if (connection.ready && connection.streams === 0 && this.#closed) connection.leave();
    if (connection.ready) this.#expectedStreams = Math.max(1, connection.maxStreams);
    for (const user of this.#waiting) {
      if (!connection.hasRoom) break;
      this.#waiting.delete(user);
      user.onConnection(connection);
    }
    this.#recount();
    if (connection.ready) this.#onReachable();
    this.#dial();
  }

  onGone(connection: Http2Connection, reason: string | undefined): void {
    const { deadlines, counters } = this.#options;
    deadlines.forget(connection);
    this.#connections.splice(this.#connections.indexOf(connection), 1);
    counters.upstreamOpen--;
    this.#recount();
    if (!connection.ready) this.#onConnectFailed(reason ?? 'connection closed');
    this.#dial();
  }

  /** As many connections as those who wait are expected to need. */
  #dial(): void {
    // One that takes no streams for now is a wish to be left alone, and another would say the same.
    if (this.#connections.some(({ refusesAll }) => refusesAll)) return;
    while (this.#waiting.size > this.#connecting * this.#expectedStreams) this.#connect();
  }

  #connect(): void {
    const { endpoint, limits, tls = {}, deadlines, counters } = this.#options;
    const secure = this.secure;
    const connection = new Http2Connection({
      socket: openSocket(endpoint, { tls, protocols: ['h2'], session: undefined, halfOpen: false }),
      secure,
      connectTimeout: limits.connectTimeout,
      keepAlive: limits.keepAlive,
      maxFields: limits.maxFields,
      home: this,
    });
    this.#connections.push(connection);
    deadlines.watch(connection);
    counters.upstreamConnects++;
    counters.upstreamOpen++;
    this.#recount();
  }

  #recount(): void {
    let connecting = 0;
    for (const { ready } of this.#connections) if (!ready) connecting++;
    this.#connecting = connecting;
  }

  #onReachable(): void {
    if (this.#reachable) return;
    this.#reachable = true;
    this.#options.logger.info('service reachable again', { service: endpointText(this.#options.endpoint) });
  }

  /** One line when it begins, not one for each request; whoever waits is told, and not served one after the other. */
  #onConnectFailed(error: string): void {
    this.#options.counters.upstreamConnectFailures++;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const user of waiting) user.onUnreachable(error);
    if (!this.#reachable) return;
    this.#reachable = false;
    this.#options.logger.warn('service unreachable', {
      service: endpointText(this.#options.endpoint),
      error,
    });
  }
}
