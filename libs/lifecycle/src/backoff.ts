export interface BackoffOptions {
  /** Upper bound of the first delay, in ms. */
  readonly baseMs: number;
  /** Upper bound of any delay, in ms. */
  readonly capMs: number;
  /** What was tried counts as working once it lasted this long, in ms; only then the delays start over. */
  readonly settledMs: number;
  /** A number in [0, 1); a parameter so that tests decide. */
  readonly random?: () => number;
}

/**
 * Delays between tries: exponential with full jitter, so that thousands of agents that lost the same edge do not
 * come back in waves. A session that ends soon after it began (a crash loop, a refusing balancer) counts as a failure.
 */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: () => number;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
  }

  /** Tries that failed since the last one that lasted. */
  get failures(): number {
    return this.#failures;
  }

  /** What was tried is another one now, or the way to it is: the delays start over. */
  reset(): void {
    this.#failures = 0;
  }

  /** Notes the end of a try that lasted `lastedMs` (0 when it never worked) and returns the delay before the next. */
  next(lastedMs = 0): number {
    if (lastedMs >= this.#options.settledMs) this.#failures = 0;
    const { baseMs, capMs } = this.#options;
    // The exponent is bounded first: 2 ** 1024 would be Infinity.
    const ceiling = Math.min(capMs, baseMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    return Math.round(this.#random() * ceiling);
  }
}
