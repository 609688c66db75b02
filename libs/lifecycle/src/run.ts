import type { EventEmitter } from 'node:events';
import { within } from './deadline.ts';
import type { RunLogger } from './run-logger.ts';
import { UncaughtErrors } from './uncaught-errors.ts';

/** A started service: it works until it is drained. */
export interface Service {
  /** Takes no new work, lets the running work finish, frees everything. Resolves when all is gone. */
  drain(successor?: 'successor'): Promise<void>;
  /** Settles when it can take work for the first time. Absent: it can from the start. */
  readonly ready?: Promise<void>;
  /** Settles when the service ended by itself; a rejection is why. Absent: it ends only by `drain`. */
  readonly closed?: Promise<void>;
}

export interface RunOptions {
  /** Longest time that running work gets after the first signal, in ms. */
  readonly drainTimeout: number;
  readonly logger: RunLogger;
  /**
   * Starts another process in the place of this one, when SIGUSR2 asks for it, and resolves when that has taken over.
   * A rejection says why it has not: the service goes on. Absent: SIGUSR2 has no effect.
   */
  readonly handOver?: (given: { readonly up: AbortSignal }) => Promise<void>;
  /** Where signals and uncaught errors come from, if not from the process. */
  readonly source?: SignalSource;
}

export type SignalSource = Pick<EventEmitter, 'on' | 'off'>;

/** 0 done, 1 failed, 2 wrong usage or configuration. */
export type ExitStatus = 0 | 1 | 2;

/** What a service that has cut its work at the end of its time still gets for saying goodbye, in ms. */
const LEAVE_GRACE = 1_000;

type Wish = 'stop' | 'stop-now' | 'too-many-errors' | 'hand-over';

const URGENT: readonly Wish[] = ['stop-now', 'too-many-errors'];
const IMPATIENT: readonly Wish[] = ['stop', ...URGENT];
const ALL: readonly Wish[] = ['hand-over', ...IMPATIENT];

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
    const service = await Promise.race([starting, wishes.next(IMPATIENT)]);
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
  const first = await firstReason(service, wishes, options);
  if (first === 'ended') return 0;
  options.logger.info('draining', { reason: first, timeout: options.drainTimeout });
  const isHandedOver = first === 'handed-over';
  const drain = service.drain(isHandedOver ? 'successor' : undefined);
  const drained = within(drain, options.drainTimeout + LEAVE_GRACE);
  // Whoever has handed over and is told to stop is doing so already.
  const outcome = await Promise.race([drained, wishes.next(isHandedOver ? URGENT : IMPATIENT)]);
  if (outcome === 'timeout') options.logger.warn('drain timed out', { timeout: options.drainTimeout });
  if (outcome !== 'done' && outcome !== 'timeout') {
    options.logger.warn('stopped before the drain was over');
    return 1;
  }
  options.logger.info('stopped');
  return first === 'too-many-errors' ? 1 : 0;
}

/** Why the service is to be drained. */
async function firstReason(
  service: Service,
  wishes: Wishes,
  options: RunOptions,
): Promise<Wish | 'ended' | 'handed-over'> {
  const ended = service.closed?.then((): 'ended' => 'ended');
  for (;;) {
    const first = await Promise.race(ended === undefined ? [wishes.next()] : [wishes.next(), ended]);
    if (first !== 'hand-over') return first;
    const outcome = await handOver(wishes, options);
    if (outcome !== 'not-handed-over') return outcome;
  }
}

/** Being told to stop ends it. */
async function handOver(
  wishes: Wishes,
  { handOver: start, logger }: RunOptions,
): Promise<Wish | 'handed-over' | 'not-handed-over'> {
  if (start === undefined) return 'not-handed-over';
  const abort = new AbortController();
  const handing = start({ up: abort.signal }).then(
    (): 'handed-over' => 'handed-over',
    (error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      logger.error('no other process has taken over; this one goes on', { reason });
      return 'not-handed-over' as const;
    },
  );
  const first = await Promise.race([handing, wishes.next(IMPATIENT)]);
  if (first === 'handed-over' || first === 'not-handed-over') return first;
  abort.abort();
  await handing;
  return first;
}

/** What signals and uncaught errors ask for, one after the other. */
class Wishes {
  readonly #source: SignalSource;
  readonly #uncaught: UncaughtErrors;
  readonly #queue: Wish[] = [];
  #waiter: { readonly kinds: readonly Wish[]; resolve(wish: Wish): void } | undefined;
  #signals = 0;

  constructor(options: RunOptions) {
    this.#source = options.source ?? process;
    this.#uncaught = new UncaughtErrors(options.logger, () => this.#wish('too-many-errors'));
    this.#source.on('SIGTERM', this.#onSignal);
    this.#source.on('SIGINT', this.#onSignal);
    if (options.handOver !== undefined) this.#source.on('SIGUSR2', this.#onHandOver);
    this.#source.on('uncaughtException', this.#uncaught.onError);
    this.#source.on('unhandledRejection', this.#uncaught.onError);
  }

  /** The next one of these kinds; others before it are passed over. Ends an earlier wait. */
  next(kinds: readonly Wish[] = ALL): Promise<Wish> {
    for (let wish = this.#queue.shift(); wish !== undefined; wish = this.#queue.shift()) {
      if (kinds.includes(wish)) return Promise.resolve(wish);
    }
    return new Promise((resolve) => {
      this.#waiter = { kinds, resolve };
    });
  }

  end(): void {
    this.#source.off('SIGUSR2', this.#onHandOver);
    this.#source.off('SIGTERM', this.#onSignal);
    this.#source.off('SIGINT', this.#onSignal);
    this.#source.off('uncaughtException', this.#uncaught.onError);
    this.#source.off('unhandledRejection', this.#uncaught.onError);
  }

  readonly #onSignal = (): void => {
    this.#signals += 1;
    this.#wish(this.#signals === 1 ? 'stop' : 'stop-now');
  };

  readonly #onHandOver = (): void => this.#wish('hand-over');

  #wish(wish: Wish): void {
    const waiter = this.#waiter;
    if (waiter === undefined) return void this.#queue.push(wish);
    if (!waiter.kinds.includes(wish)) return;
    this.#waiter = undefined;
    waiter.resolve(wish);
  }
}
