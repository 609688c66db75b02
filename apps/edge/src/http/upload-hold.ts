import type { StreamMemory } from '@culvert/link';

/** What an HTTP/2 client may send of a request before it is told that more is taken. */
export const UPLOAD_WINDOW_BYTES = 262_144;

/**
 * A client's window while nobody takes what it sends: it may fill it, and node:http2 keeps that. Counted in the edge's
 * memory for as long, so that any number of stalled uploads have a bound.
 */
export class UploadHold {
  readonly #memory: StreamMemory;
  #held = false;

  constructor(memory: StreamMemory) {
    this.#memory = memory;
  }

  /** False when there is no memory left for it. */
  hold(): boolean {
    this.#held ||= this.#memory.tryAdd(UPLOAD_WINDOW_BYTES);
    return this.#held;
  }

  release(): void {
    if (this.#held) this.#memory.release(UPLOAD_WINDOW_BYTES);
    this.#held = false;
  }
}
