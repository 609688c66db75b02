import { LONG_PATH_MS } from './stream-memory.ts';
import type { StreamMemory } from './stream-memory.ts';

/** Windows below this grow by larger steps. */
const SMALL_BYTES = 1_048_576;

/**
 * On a short path a window doubles after it was used so many times over. What the operating system takes for a client
 * that has stopped reading, some MiB, must not look like one that reads: a thousand such clients would use up the
 * memory that windows of the others grow from.
 */
const SHORT_PATH_TURNS = 32;

/**
 * One stream's credit, as the receiver keeps it. The window grows while it is what holds the sender back: when a
 * half of it was taken within a round trip. That ends by itself beyond two, mostly below eight times the path's
 * bandwidth-delay product, since from there on the network is slower than the credit.
 */
export class ReceiveWindow {
  readonly #memory: StreamMemory;
  #size: number;
  /** Bytes that the peer may still send. */
  #left: number;
  /** Bytes taken by the consumer and not yet granted again. */
  #taken = 0;
  /** All that was granted again. */
  #total = 0;
  #grantedAt: number;

  /** @param size counted in `memory` already */
  constructor(memory: StreamMemory, size: number, nowMs: number) {
    this.#memory = memory;
    this.#size = size;
    this.#left = size;
    this.#grantedAt = nowMs;
  }

  get size(): number {
    return this.#size;
  }

  /** False when the peer sends more than it was granted. */
  receive(bytes: number): boolean {
    this.#left -= bytes;
    return this.#left >= 0;
  }

  /** Notes that the consumer has passed bytes on; returns the credit to send now, or 0. */
  take(bytes: number, now: () => number, roundTripMs: number): number {
    this.#taken += bytes;
    if (this.#taken * 2 < this.#size) return 0;
    const nowMs = now();
    const credit = this.#taken + (nowMs - this.#grantedAt < roundTripMs ? this.#grow(roundTripMs) : 0);
    this.#grantedAt = nowMs;
    this.#total += this.#taken;
    this.#taken = 0;
    this.#left += credit;
    return credit;
  }

  /** By large steps on a long path, so that it is filled within a few round trips. Returns the bytes added. */
  #grow(roundTripMs: number): number {
    const short = roundTripMs < LONG_PATH_MS;
    if (short && this.#total < this.#size * SHORT_PATH_TURNS) return 0;
    const largest = short ? 2 : this.#size < SMALL_BYTES ? 8 : 4;
    for (let factor = largest; factor > 1; factor /= 2) {
      const by = this.#size * (factor - 1);
      if (!this.#memory.tryGrow(this.#size, by)) continue;
      this.#size += by;
      return by;
    }
    return 0;
  }

  /** Gives the window's memory back; called once, when the stream has ended. */
  release(): void {
    this.#memory.release(this.#size);
  }
}
