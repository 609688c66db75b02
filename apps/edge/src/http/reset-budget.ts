/** How many streams more than it lets be answered a client may reset at once, or make the edge reset. */
const BURST = 200;
/** So many are forgiven in a second. */
const FORGIVEN_PER_SECOND = 20;

/**
 * Streams that a client gives up cost the edge and those behind it work for nothing: opened and reset at once, or made
 * to be reset by breaking the protocol (CVE-2023-44487, CVE-2025-8671). Who lets most be answered may give up as many
 * as it likes.
 */
export class ResetBudget {
  #spent = 0;
  #at: number;

  /** @param now ms on any clock */
  constructor(now: number) {
    this.#at = now;
  }

  onAnswered(): void {
    if (this.#spent > 0) this.#spent--;
  }

  /** False once the client has given up too many. */
  onReset(now: number): boolean {
    const forgiven = ((now - this.#at) / 1_000) * FORGIVEN_PER_SECOND;
    this.#at = now;
    this.#spent = Math.max(0, this.#spent - forgiven) + 1;
    return this.#spent <= BURST;
  }
}
