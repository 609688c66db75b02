/** How much may go out at once after a pause, in seconds of the rate; and at least this many bytes. */
const BURST_SECONDS = 0.125;
const MIN_BURST_BYTES = 1_024;

/** Bytes that may pass now, at a rate. */
export class TokenBucket {
  readonly #rate: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;

  /** @param rate bytes a second; Infinity lets all pass */
  constructor(rate: number, nowMs: number) {
    this.#rate = rate;
    this.#burst = Math.max(rate * BURST_SECONDS, MIN_BURST_BYTES);
    this.#tokens = this.#burst;
    this.#at = nowMs;
  }

  /** How many of the bytes may pass now; they are counted. */
  take(bytes: number, nowMs: number): number {
    if (this.#rate === Infinity) return bytes;
    this.#fill(nowMs);
    const taken = Math.max(0, Math.min(bytes, Math.floor(this.#tokens)));
    this.#tokens -= taken;
    return taken;
  }

  /** Counts bytes that have passed already: later ones wait for them too. */
  spend(bytes: number, nowMs: number): void {
    if (this.#rate === Infinity) return;
    this.#fill(nowMs);
    this.#tokens -= bytes;
  }

  #fill(nowMs: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + ((nowMs - this.#at) * this.#rate) / 1_000);
    this.#at = nowMs;
  }
}
