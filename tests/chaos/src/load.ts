import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Fronts } from './fronts.ts';
import type { Front } from './fronts.ts';
import { WrongBytesError } from './kinds/kind.ts';
import type { Kind } from './kinds/kind.ts';
import type { Ledger } from './ledger.ts';
import { IDEMPOTENT } from './outcome.ts';
import type { Outcome, Result } from './outcome.ts';
import { NoAnswerError, User } from './user.ts';

/** How many keep connections of their own. */
const USERS = 16;

export interface Work {
  readonly kind: Kind;
  /** So many are begun each second, whatever has become of those before. */
  readonly perSecond: number;
}

export interface LoadOptions {
  readonly fronts: readonly Front[];
  readonly hostnames: readonly string[];
  readonly work: readonly Work[];
  readonly ledger: Ledger;
}

/** Users who ask at a constant rate and check every byte of what they get. */
export class Load {
  readonly fronts: Fronts;
  readonly outcomes: Outcome[] = [];
  readonly beganAt = performance.now();
  readonly #options: LoadOptions;
  readonly #users: readonly User[];
  readonly #running = new Set<Promise<void>>();
  readonly #run = randomUUID().slice(0, 8);
  readonly #timers: NodeJS.Timeout[];
  #count = 0;
  #stopped = false;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.fronts = new Fronts(options.fronts);
    this.#users = Array.from({ length: USERS }, () => new User(this.fronts));
    this.#timers = options.work.map((work) => this.#every(work));
  }

  /** Ends with the last of what runs. */
  async stop(): Promise<readonly Outcome[]> {
    this.#stopped = true;
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all(this.#running);
    this.fronts.stop();
    for (const user of this.#users) user.leave();
    return this.outcomes;
  }

  /** Resolves when nothing has failed for so long. */
  async calm(ms: number): Promise<void> {
    const since = performance.now();
    for (;;) {
      const bad = this.outcomes.findLast(({ result }) => result === 'failed' || result === 'wrong');
      const left = Math.max(since, bad?.endedAt ?? 0) + ms - performance.now();
      if (left <= 0) return;
      await delay(left);
    }
  }

  /** By an absolute schedule: what a busy machine delays is begun late and not left out. */
  #every({ kind, perSecond }: Work): NodeJS.Timeout {
    const intervalMs = 1_000 / perSecond;
    const beganAt = performance.now();
    let begun = 0;
    return setInterval(
      () => {
        while (!this.#stopped && performance.now() >= beganAt + begun * intervalMs) {
          begun++;
          this.#begin(kind);
        }
      },
      Math.min(intervalMs, 50),
    );
  }

  #begin(kind: Kind): void {
    const running = this.#perform(kind);
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
  }

  async #perform(kind: Kind): Promise<void> {
    const { hostnames } = this.#options;
    const number = this.#count++;
    const errand = { hostname: hostnames[number % hostnames.length]!, seed: `${this.#run}-${number}` };
    const first = await this.#attempt(kind, errand, this.#users[number % USERS]!);
    this.outcomes.push(first);
    if (first.result !== 'raced' || !IDEMPOTENT.includes(kind.name)) return;
    // As browsers do, once, on a connection that is new.
    const newcomer = new User(this.fronts);
    this.outcomes.push(await this.#attempt(kind, errand, newcomer));
    newcomer.leave();
  }

  async #attempt(kind: Kind, errand: { hostname: string; seed: string }, user: User): Promise<Outcome> {
    const { ledger } = this.#options;
    const beganAt = performance.now();
    let verdict: { result: Result; why?: string } = { result: 'ok' };
    try {
      await kind.run({ ...errand, user, ledger });
    } catch (error) {
      const raced = error instanceof NoAnswerError && error.onKeptConnection && !ledger.arrived(errand.seed);
      verdict = {
        result: error instanceof WrongBytesError ? 'wrong' : raced ? 'raced' : 'failed',
        why: reasonOf(error),
      };
    }
    const endedAt = performance.now();
    // An aborted request may still arrive; the answered one has done so.
    if (verdict.result === 'ok') setTimeout(() => ledger.forget(errand.seed), 60_000).unref();
    return { kind: kind.name, beganAt, endedAt, ...verdict };
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}
