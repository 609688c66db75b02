import { setTimeout as delay } from 'node:timers/promises';
import { Backoff } from '@culvert/lifecycle';
import { NoRespondersError, SignalsDownError, SignalsTimeoutError } from '@culvert/signals';
import type { Signals, SignalsState, SubscribeOptions, Subscription } from '@culvert/signals';
import { connect, errors } from '@nats-io/transport-node';
import type {
  Msg,
  NatsConnection,
  NodeConnectionOptions,
  Subscription as NatsSubscription,
} from '@nats-io/transport-node';
import { parseServers } from './server-list.ts';

/** Two pings unanswered end a connection: a silent server is noticed after 3 to 4.5 s. */
const PING_INTERVAL_MS = 1_500;
const MAX_PINGS_OUT = 2;
const DIAL_TIMEOUT_MS = 3_000;
const BACKOFF = { baseMs: 100, capMs: 2_000, settledMs: 5_000 };
const RECONNECT_SPREAD_MS = 500;
/** A close that cannot flush gives up after this. */
const DRAIN_TIMEOUT_MS = 2_000;

export interface NatsSignalsOptions {
  /** `nats://[user:pass@]host:port`, `tls://…`, or a list of them. */
  readonly servers: string | readonly string[];
  /** First token of every subject, so that installations can share a NATS. */
  readonly prefix: string;
  /** Shown in the server's list of connections. */
  readonly name: string;
  /** Trust and client certificate for TLS, as files' contents in PEM. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** Told of each failed attempt to connect, and of protocol errors. */
  readonly onError?: (error: unknown) => void;
  /** Told of a handler that threw or rejected, or a message that is not JSON; the message is lost to it. */
  readonly onHandlerError?: (error: unknown, subject: string) => void;
}

type Handler = (message: unknown, subject: string) => unknown;

interface Listener {
  readonly subject: string;
  readonly handler: Handler;
  readonly options: SubscribeOptions;
  live: NatsSubscription | undefined;
}

/** Starts connecting and returns at once; it goes on trying, for as long as it takes, until closed. */
export function connectNats(options: NatsSignalsOptions): NatsSignals {
  return new NatsSignals(options);
}

/**
 * Signals over NATS. Disconnected until the first connection stands; subscriptions made before or during an
 * outage take effect with the connection.
 */
export class NatsSignals implements Signals {
  readonly #options: NatsSignalsOptions;
  readonly #dialing: NodeConnectionOptions;
  readonly #watchers = new Set<(state: SignalsState) => void>();
  readonly #listeners = new Set<Listener>();
  /** Requests under way, failed when the connection is lost: nobody would answer them any more. */
  readonly #waiting = new Set<(error: Error) => void>();
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #connection: NatsConnection | undefined;
  #state: SignalsState = 'disconnected';

  constructor(options: NatsSignalsOptions) {
    this.#options = options;
    this.#dialing = dialingOptions(options);
    this.#running = this.#run();
  }

  get state(): SignalsState {
    return this.#state;
  }

  onState(listener: (state: SignalsState) => void): () => void {
    this.#watchers.add(listener);
    return () => void this.#watchers.delete(listener);
  }

  publish(subject: string, message: unknown): void {
    if (this.#state === 'connected') this.#connection?.publish(this.#absolute(subject), encode(message));
  }

  subscribe(
    subject: string,
    handler: (message: unknown, subject: string) => void,
    options: SubscribeOptions = {},
  ): Subscription {
    const silent = (message: unknown, actual: string): typeof SILENCE => {
      handler(message, actual);
      return SILENCE;
    };
    return this.respond(subject, silent, options);
  }

  respond(subject: string, handler: Handler, options: SubscribeOptions = {}): Subscription {
    const listener: Listener = { subject, handler, options, live: undefined };
    if (!this.#closing.signal.aborted) {
      this.#listeners.add(listener);
      this.#attach(listener);
    }
    return {
      unsubscribe: () => {
        this.#listeners.delete(listener);
        // What the server has sent already is still handled: others of a queue group would not get it.
        listener.live?.drain().catch(() => undefined);
      },
    };
  }

  async request(
    subject: string,
    message: unknown,
    options: { readonly timeoutMs: number },
  ): Promise<unknown> {
    const connection = this.#connected();
    const asking = connection.request(this.#absolute(subject), encode(message), {
      timeout: options.timeoutMs,
    });
    const answer = await this.#orDown(asking, subject, options.timeoutMs);
    return answer.json();
  }

  async gather(
    subject: string,
    message: unknown,
    options: { readonly windowMs: number; readonly onReply: (reply: unknown) => void },
  ): Promise<void> {
    const connection = this.#connected();
    const collect = async (): Promise<number> => {
      let answers = 0;
      const replies = await connection.requestMany(this.#absolute(subject), encode(message), {
        strategy: 'timer',
        maxWait: options.windowMs,
      });
      for await (const reply of replies) {
        answers += 1;
        options.onReply(reply.json());
      }
      return answers;
    };
    const answers = await this.#orDown(collect(), subject, options.windowMs);
    if (answers === 0) throw new SignalsTimeoutError(subject, options.windowMs);
  }

  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) {
      this.#closing.abort();
      const connection = this.#connection;
      if (this.#state === 'connected') {
        await Promise.race([
          connection?.drain().catch(() => undefined),
          delay(DRAIN_TIMEOUT_MS, undefined, { ref: false }),
        ]);
      }
      await connection?.close();
    }
    await this.#running;
  }

  /** Keeps a connection until closed. The client reconnects by itself; this loop begins anew where it gives up. */
  async #run(): Promise<void> {
    const backoff = new Backoff(BACKOFF);
    while (!this.#closing.signal.aborted) {
      let since = performance.now();
      try {
        const connection = await connect(this.#dialing);
        since = performance.now();
        await this.#serve(connection);
      } catch (error) {
        this.#options.onError?.(error);
      }
      this.#enter('disconnected');
      const wait = backoff.next(performance.now() - since);
      await delay(wait, undefined, { signal: this.#closing.signal }).catch(() => undefined);
    }
    this.#listeners.clear();
  }

  /** Resolves when the connection is closed for good. */
  async #serve(connection: NatsConnection): Promise<void> {
    if (this.#closing.signal.aborted) return connection.close();
    this.#connection = connection;
    for (const listener of this.#listeners) this.#attach(listener);
    void this.#follow(connection);
    this.#enter('connected');
    const reason = await connection.closed();
    if (reason !== undefined) this.#options.onError?.(reason);
  }

  async #follow(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') this.#enter('disconnected');
      else if (status.type === 'reconnect') this.#enter('connected');
      else if (status.type === 'error') this.#options.onError?.(status.error);
    }
  }

  #enter(state: SignalsState): void {
    if (this.#state === state) return;
    this.#state = state;
    if (state === 'disconnected') for (const fail of [...this.#waiting]) fail(new SignalsDownError());
    for (const watcher of this.#watchers) watcher(state);
  }

  /** During an outage the client remembers the subscription and makes it when it is connected again. */
  #attach(listener: Listener): void {
    if (this.#connection === undefined || this.#connection.isClosed()) return;
    const { queue } = listener.options;
    listener.live = this.#connection.subscribe(this.#absolute(listener.subject), {
      ...(queue === undefined ? {} : { queue }),
      callback: (error, message) => {
        if (error === null) void this.#handle(listener, message);
        else this.#options.onError?.(error);
      },
    });
  }

  async #handle(listener: Listener, message: Msg): Promise<void> {
    const subject = message.subject.slice(this.#options.prefix.length + 1);
    try {
      const answer = await listener.handler(message.json(), subject);
      if (answer !== SILENCE && message.reply !== undefined) message.respond(encode(answer));
    } catch (error) {
      this.#options.onHandlerError?.(error, subject);
    }
  }

  #connected(): NatsConnection {
    if (this.#connection === undefined || this.#state === 'disconnected') throw new SignalsDownError();
    return this.#connection;
  }

  async #orDown<T>(asking: Promise<T>, subject: string, timeoutMs: number): Promise<T> {
    const lost = Promise.withResolvers<never>();
    this.#waiting.add(lost.reject);
    try {
      return await Promise.race([asking, lost.promise]);
    } catch (error) {
      throw translated(error, subject, timeoutMs);
    } finally {
      this.#waiting.delete(lost.reject);
    }
  }

  #absolute(subject: string): string {
    return `${this.#options.prefix}.${subject}`;
  }
}

/** What a handler that only listens returns, so that a request to its subject stays unanswered. */
const SILENCE = Symbol('silence');

const encode = (message: unknown): string => JSON.stringify(message) ?? 'null';

function dialingOptions(options: NatsSignalsOptions): NodeConnectionOptions {
  const { tls, ...target } = parseServers(options.servers);
  return {
    ...target,
    ...(tls || options.tls !== undefined ? { tls: { ...options.tls } } : {}),
    name: options.name,
    timeout: DIAL_TIMEOUT_MS,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: MAX_PINGS_OUT,
    maxReconnectAttempts: -1,
    // A password may be wrong for as long as a rotation takes.
    ignoreAuthErrorAbort: true,
    // Spread out, so that a restarted server is not met by all clients at once.
    reconnectDelayHandler: () => Math.ceil(Math.random() * RECONNECT_SPREAD_MS),
    noAsyncTraces: true,
  };
}

/** The errors of the port; what is neither of them means that the bus cannot be used. */
function translated(error: unknown, subject: string, timeoutMs: number): Error {
  if (error instanceof SignalsDownError) return error;
  const options = { cause: error };
  // The client wraps what went wrong in an error of its own.
  for (const cause of [error, error instanceof Error ? error.cause : undefined]) {
    if (cause instanceof errors.NoRespondersError) return new NoRespondersError(subject, options);
    if (cause instanceof errors.TimeoutError) return new SignalsTimeoutError(subject, timeoutMs, options);
  }
  return new SignalsDownError(options);
}
