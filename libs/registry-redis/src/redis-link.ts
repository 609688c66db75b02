import { within } from '@culvert/lifecycle';
import { RegistryDownError } from '@culvert/registry';
import type { RegistryState } from '@culvert/registry';
import { Cluster, Redis } from 'ioredis';
import { SCRIPTS } from './scripts.ts';
import type { ScriptCommands } from './scripts.ts';
import { parseTarget } from './target.ts';
import type { RedisTarget } from './target.ts';

/** Longest time a command may take, in ms; a request waits behind it. */
const COMMAND_DEADLINE = 2_000;
const CONNECT_TIMEOUT = 2_000;
/** A connection whose server says nothing for this long, in ms, while something was asked, is given up. */
const SOCKET_TIMEOUT = 3_000;
const CLOSE_TIMEOUT = 1_000;
const RETRY_BASE = 50;
const RETRY_CAP = 1_000;

export type RedisCommands = Redis & ScriptCommands;

export interface RedisLinkOptions {
  readonly redis: RedisTarget;
  /** Trust and client certificate where the address is one of `rediss://`, as files' contents in PEM. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** Shown in Redis' list of connections. */
  readonly name?: string;
  /** Told of each failed attempt to connect. */
  readonly onError?: (error: unknown) => void;
}

/** The connection to Redis: it waits for one that is away, reconnects for as long as it takes, and never queues. */
export class RedisLink {
  readonly #client: Redis | Cluster;
  readonly #watchers = new Set<(state: RegistryState) => void>();
  #state: RegistryState = 'disconnected';

  constructor(options: RedisLinkOptions) {
    this.#client = createClient(options);
    this.#client.on('error', (error) => options.onError?.(error));
    this.#client.on('ready', () => this.#enter('connected'));
    this.#client.on('close', () => this.#enter('disconnected'));
    this.#client.on('end', () => this.#enter('disconnected'));
  }

  get state(): RegistryState {
    return this.#state;
  }

  onState(listener: (state: RegistryState) => void): () => void {
    this.#watchers.add(listener);
    return () => void this.#watchers.delete(listener);
  }

  /**
   * Runs a command and waits for its answer, within the deadline.
   * @throws RegistryDownError whatever the reason is
   */
  async run<T>(command: (redis: RedisCommands) => Promise<T>): Promise<T> {
    if (this.#state === 'disconnected') throw new RegistryDownError();
    try {
      // A cluster takes the same commands as one server, as long as their keys share a slot.
      const answer = command(this.#client as RedisCommands);
      if ((await within(answer, COMMAND_DEADLINE)) === 'done') return await answer;
    } catch (cause) {
      throw new RegistryDownError({ cause });
    }
    throw new RegistryDownError();
  }

  async close(): Promise<void> {
    if (this.#state === 'connected') {
      // A server that does not take the farewell is left without it.
      await within(this.#client.quit(), CLOSE_TIMEOUT).catch(() => undefined);
    }
    this.#client.disconnect();
    this.#enter('disconnected');
  }

  #enter(state: RegistryState): void {
    if (this.#state === state) return;
    this.#state = state;
    for (const watcher of this.#watchers) watcher(state);
  }
}

function createClient({ redis, name, tls }: RedisLinkOptions): Redis | Cluster {
  const target = parseTarget(redis);
  const connection = {
    ...target.options,
    ...(target.options.tls === undefined || tls === undefined ? {} : { tls: { ...tls } }),
    ...(name === undefined ? {} : { connectionName: name }),
    connectTimeout: CONNECT_TIMEOUT,
    socketTimeout: SOCKET_TIMEOUT,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // The first word of an error is its code: a master that became a replica is to be looked up anew.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY '),
  };
  const common = { enableOfflineQueue: false, scripts: SCRIPTS };
  if (target.kind === 'server') return new Redis({ ...connection, ...common, retryStrategy: retryDelay });
  return new Cluster(target.nodes, {
    ...common,
    redisOptions: connection,
    clusterRetryStrategy: retryDelay,
    slotsRefreshTimeout: CONNECT_TIMEOUT,
  });
}

/** Full jitter under a bound that doubles with each try. */
function retryDelay(times: number): number {
  const ceiling = Math.min(RETRY_CAP, RETRY_BASE * 2 ** Math.min(times, 20));
  return Math.ceil(Math.random() * ceiling);
}
