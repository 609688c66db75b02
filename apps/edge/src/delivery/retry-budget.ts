import { coarseNow } from '@culvert/lifecycle';

/** How far back requests and retries count, ms: they fade out over it. */
const SPAN_MS = 10_000;

export interface RetryLimits {
  /** Percent of the requests of the last ten seconds that may be tried again. */
  readonly share: number;
  /** So many may be in any case, in ten seconds. */
  readonly least: number;
}

/**
 * Bounds how many tries are added to the requests of an edge: when everything fails, trying everything again would
 * keep it down. Costs a request nothing: it looks at what was counted when a retry is wanted.
 */
export class RetryBudget {
  readonly #limits: RetryLimits;
  readonly #counted: () => number;
  readonly #now: () => number;
  /** Faded to `#at`. */
  #requests = 0;
  #retries = 0;
  #seen: number;
  #at: number;

  /** @param counted how many requests there have been so far */
  constructor(limits: RetryLimits, counted: () => number, now: () => number = coarseNow) {
    this.#limits = limits;
    this.#counted = counted;
    this.#now = now;
    this.#seen = counted();
    this.#at = now();
  }

  get exhausted(): boolean {
    this.#fade();
    // To the nearest whole one: a retry that has faded by next to nothing still counts.
    return this.#retries + 0.5 > this.#limits.least + (this.#requests * this.#limits.share) / 100;
  }

  /** Counts a retry; false when none may be made. */
  spend(): boolean {
    if (this.exhausted) return false;
    this.#retries++;
    return true;
  }

  /** Requests since the last look count as if they had come evenly. */
  #fade(): void {
    const counted = this.#counted();
    const spans = Math.max(0, this.#now() - this.#at) / SPAN_MS;
    const left = Math.exp(-spans);
    const share = spans === 0 ? 1 : (1 - left) / spans;
    this.#requests = this.#requests * left + (counted - this.#seen) * share;
    this.#retries *= left;
    this.#seen = counted;
    this.#at = this.#now();
  }
}
