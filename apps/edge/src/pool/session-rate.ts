/** Who comes when too many do is asked to come back within this time, ms. */
const MAX_WAIT_MS = 30_000;
/** Seconds of the rate that may come at once. */
const BURST_S = 2;

/**
 * How many agents may attach in a while. Those beyond it are each given a time of their own to come back, so that a
 * storm of them becomes a queue.
 */
export class SessionRate {
  readonly #perSecond: () => number;
  readonly #random: () => number;
  #left: number;
  #at = performance.now();
  /** The time that was given out last. */
  #promised = 0;

  /** @param perSecond the rate, which may change @param random a number in [0, 1) */
  constructor(perSecond: () => number, random: () => number = Math.random) {
    this.#perSecond = perSecond;
    this.#left = perSecond() * BURST_S;
    this.#random = random;
  }

  /** Takes one in: 0, or after how many ms to come back. */
  take(): number {
    const now = performance.now();
    const perMs = this.#perSecond() / 1_000;
    this.#left = Math.min(perMs * 1_000 * BURST_S, this.#left + (now - this.#at) * perMs);
    this.#at = now;
    if (this.#left >= 1) {
      this.#left -= 1;
      return 0;
    }
    this.#promised = Math.max(this.#promised, now) + 1 / perMs;
    const wait = this.#promised - now;
    // Beyond that there is no order any more, only a spread: most of those will be asked to wait again.
    if (wait <= MAX_WAIT_MS) return Math.ceil(wait);
    this.#promised = now + MAX_WAIT_MS;
    return Math.ceil(MAX_WAIT_MS * (0.5 + this.#random() / 2));
  }
}
