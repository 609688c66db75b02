import { setTimeout as delay } from 'node:timers/promises';
import { RegistryDownError } from '@culvert/registry';
import type { Registry } from '@culvert/registry';
import type { Logger } from '@culvert/telemetry';
import type { Announcements } from './announcements.ts';
import type { FileLoader } from './file-loader.ts';

/** How often the registry is asked whether it is still the same, in ms: it may be emptied while connected. */
const CHECK_INTERVAL = 2_000;
/** How long edges may take to tell their sessions again, and with them the claims of agents, ms. */
const RESYNC_MS = 2_000;

export interface RecoveryParts {
  readonly registry: Registry;
  readonly loader: FileLoader;
  readonly announcements: Announcements;
  readonly logger: Logger;
}

/**
 * Brings the file's items into the registry at the start, and again whenever the registry turns out to have lost
 * everything; then edges are asked for their sessions too.
 */
export class Recovery {
  readonly #parts: RecoveryParts;
  readonly #loaded = Promise.withResolvers<void>();
  readonly #unwatch: () => void;
  readonly #timer: NodeJS.Timeout;
  #loader: FileLoader;
  #epoch: string | undefined;
  /** The file is another one than that whose items are in the registry. */
  #isNew = false;
  #checking: Promise<void> | undefined;
  readonly #closing = new AbortController();

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
    this.#loader = parts.loader;
    this.#timer = setInterval(() => void this.#check(), CHECK_INTERVAL);
    this.#unwatch = parts.registry.onState((state) => {
      parts.logger[state === 'connected' ? 'info' : 'warn']('registry', { state });
      if (state === 'connected') void this.#check();
    });
    void this.#check();
  }

  /** Resolves when the file's items have been in the registry once. */
  get loaded(): Promise<void> {
    return this.#loaded.promise;
  }

  /**
   * Whether the registry holds what it should: that it lacks something says nothing before the file's items are in it.
   * @throws RegistryDownError
   */
  async isWhole(): Promise<boolean> {
    return this.#epoch !== undefined && (await this.#parts.registry.epoch()) === this.#epoch;
  }

  /** Takes another file; resolves when its items have been brought in, or the registry turned out to be away. */
  async reload(loader: FileLoader): Promise<void> {
    this.#loader = loader;
    this.#isNew = true;
    // One that has begun before may still bring in the former items.
    await this.#checking;
    await this.#check();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#unwatch();
    this.#closing.abort();
    await this.#checking;
  }

  #check(): Promise<void> {
    if (this.#parts.registry.state === 'disconnected') return Promise.resolve();
    this.#checking ??= this.#recover()
      .catch((error: unknown) => {
        // It went away again: the next check goes on.
        const isExpected = error instanceof RegistryDownError || this.#closing.signal.aborted;
        const level = isExpected ? 'debug' : 'error';
        this.#parts.logger[level]('registry not loaded', { error });
      })
      .finally(() => (this.#checking = undefined));
    return this.#checking;
  }

  async #recover(): Promise<void> {
    const { registry, announcements, logger } = this.#parts;
    const epoch = await registry.epoch();
    if (epoch === this.#epoch && !this.#isNew) return;
    const loader = this.#loader;
    await loader.apply();
    this.#isNew = loader !== this.#loader;
    const lost = this.#epoch !== undefined && this.#epoch !== epoch;
    if (lost || (await registry.edges()).length === 0) announcements.resync();
    // Until agents' claims are there again, what is known of them is better than that there is nothing.
    if (lost) await delay(RESYNC_MS, undefined, { signal: this.#closing.signal });
    this.#epoch = epoch;
    // Routes that the API had added are gone.
    if (lost) announcements.allRoutesChanged();
    logger.info('registry loaded', { epoch, lost });
    this.#loaded.resolve();
  }
}
