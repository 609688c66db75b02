/**
 * The bytes that peers may have sent and the consumers have not taken, over all links of a process. Every window
 * that is granted counts in full, whether it is used or not, so what streams can pin never exceeds `limitBytes`, plus
 * `MIN_WINDOW_BYTES` for each stream that was opened here and the handshake's window for each that was accepted.
 */
export class StreamMemory {
  readonly limitBytes: number;
  readonly maxWindowBytes: number;
  #granted = 0;

  constructor(limitBytes: number, maxWindowBytes: number = MAX_WINDOW_BYTES) {
    this.limitBytes = limitBytes;
    this.maxWindowBytes = maxWindowBytes;
  }

  /** Bytes of window granted to all open streams. */
  get granted(): number {
    return this.#granted;
  }

  /** The window of a new stream, smaller as memory is used up; counts as granted until released. */
  grantFirst(): number {
    const used = this.#granted / this.limitBytes;
    const window =
      used < 0.5 ? INITIAL_WINDOW_BYTES : used < 0.75 ? INITIAL_WINDOW_BYTES / 4 : MIN_WINDOW_BYTES;
    this.#granted += window;
    return window;
  }

  /** Counts a window that was fixed beforehand, such as the one told in a handshake. */
  add(bytes: number): void {
    this.#granted += bytes;
  }

  /**
   * Whether a window may grow by so much. No stream takes more than half of what is left, so there is always
   * something left for the others.
   */
  tryGrow(window: number, by: number): boolean {
    if (window + by > this.maxWindowBytes) return false;
    if (by * 2 > this.limitBytes - this.#granted) return false;
    this.#granted += by;
    return true;
  }

  release(bytes: number): void {
    this.#granted -= bytes;
  }
}

/** What a stream may send before its first credit. A small answer fits; bulk grows from here. */
export const INITIAL_WINDOW_BYTES = 65_536;
/** A window under memory pressure. */
export const MIN_WINDOW_BYTES = 4_096;
/** The largest window: 100 ms of 1.3 Gbit/s. */
export const MAX_WINDOW_BYTES = 134_217_728;
