import type { EventEmitter } from 'node:events';
import { within } from './deadline.ts';
import type { RunLogger } from './run-logger.ts';
import { UncaughtErrors } from './uncaught-errors.ts';

/** A started service: it works until it is drained. */
export interface Service {
  /** Takes no new work, lets the running work finish, frees everything. Resolves when all is gone. */
  drain(): Promise<void>;
  /** Settles when the service ended by itself; a rejection is why. Absent: it ends only by `drain`. */
  readonly closed?: Promise<void>;
}

export interface RunOptions {
  /** Longest time that running work gets after the first signal, in ms. */
  readonly drainTimeout: number;
  readonly logger: RunLogger;
  /** Where signals and uncaught errors come from, if not from the process. */
  readonly source?: SignalSource;
}

export type SignalSource = Pick<EventEmitter, 'on' | 'off'>;

/** 0 done, 1 failed, 2 wrong usage or configuration. */
export type ExitStatus = 0 | 1 | 2;

/** What a service that has cut its work at the end of its time still gets for saying goodbye, in ms. */
const LEAVE_GRACE = 1_000;

type Wish = 'stop' | 'stop-now' | 'too-many-errors';

/**
 * Starts a service and keeps it until SIGTERM or SIGINT. The first signal drains, a second one stops at once, and so
 * does a signal while the service still starts. Resolves with the exit status; the caller ends the process.
 *
 * An error that nothing caught is logged and counted, and the service works on: it belongs to one connection, and
 * the others must not pay for it. Many of them in a minute mean that the process is broken: it drains, and ends with
 * status 1, so that whatever supervises it starts a fresh one.
 * @throws what `start` throws
 */
export async function run(start: () => Promise<Service>, options: RunOptions): Promise<ExitStatus> {
  const wishes = new Wishes(options);
  try {
    const starting = start();
    const service = await Promise.race([starting, wishes.next()]);
    if (typeof service === 'string') {
      abandon(starting);
      return service === 'too-many-errors' ? 1 : 0;
    }
    return await keep(service, wishes, options);
  } finally {
    wishes.end();
  }
}

/** The start is given up with the process; a failure of it has no one left to tell. */
function abandon(starting: Promise<Service>): void {
  starting.catch(() => undefined);
}

async function keep(service: Service, wishes: Wishes, options: RunOptions): Promise<ExitStatus> {
  const ended = service.closed?.then((): 'ended' => 'ended');
  const first = await Promise.race(ended === undefined ? [wishes.next()] : [wishes.next(), ended]);
  if (first === 'ended') return 0;
  options.logger.info('draining', { reason: first, timeout: options.drainTimeout });
  const drained = within(service.drain(), options.drainTimeout + LEAVE_GRACE);
  const outcome = await Promise.race([drained, wishes.next()]);
  if (outcome === 'timeout') options.logger.warn('drain timed out', { timeout: options.drainTimeout });
  if (outcome !== 'done' && outcome !== 'timeout') {
    options.logger.warn('stopped before the drain was over');
    return 1;
  }
  options.logger.info('stopped');
  return first === 'too-many-errors' ? 1 : 0;
}

/** What signals and uncaught errors ask for, one after the other. */
class Wishes {
  readonly #source: SignalSource;
  readonly #uncaught: UncaughtErrors;
  readonly #queue: Wish[] = [];
  #waiter: ((wish: Wish) => void) | undefined;
  #signals = 0;

  constructor(options: RunOptions) {
    this.#source = options.source ?? process;
    this.#uncaught = new UncaughtErrors(options.logger, () => this.#wish('too-many-errors'));
    this.#source.on('SIGTERM', this.#onSignal);
    this.#source.on('SIGINT', this.#onSignal);
    this.#source.on('uncaughtException', this.#uncaught.onError);
    this.#source.on('unhandledRejection', this.#uncaught.onError);
  }

  next(): Promise<Wish> {
    const wish = this.#queue.shift();
    if (wish !== undefined) return Promise.resolve(wish);
    return new Promise((resolve) => {
      this.#waiter = resolve;
    });
  }

  end(): void {
    this.#source.off('SIGTERM', this.#onSignal);
    this.#source.off('SIGINT', this.#onSignal);
    this.#source.off('uncaughtException', this.#uncaught.onError);
    this.#source.off('unhandledRejection', this.#uncaught.onError);
  }

  readonly #onSignal = (): void => {
    this.#signals += 1;
    this.#wish(this.#signals === 1 ? 'stop' : 'stop-now');
  };

  #wish(wish: Wish): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter === undefined) this.#queue.push(wish);
    else waiter(wish);
  }
}
