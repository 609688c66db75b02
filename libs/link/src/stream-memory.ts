/**
 * The bytes that peers may have sent and the consumers have not taken, over all links of a process. Every window
 * that is granted counts in full, whether it is used or not, so what streams can pin never exceeds `limitBytes`, plus
 * `MIN_WINDOW_BYTES` for each stream that was opened here and the handshake's window for each that was accepted.
 */
export class StreamMemory {
  #limitBytes: number;
  #maxWindowBytes: number;
  #granted = 0;

  constructor(limitBytes: number, maxWindowBytes: number = MAX_WINDOW_BYTES) {
    this.#limitBytes = limitBytes;
    this.#maxWindowBytes = maxWindowBytes;
  }

  get limitBytes(): number {
    return this.#limitBytes;
  }

  /** Grants by these limits from now on; windows that are larger stay until their streams end. */
  limit(limitBytes: number, maxWindowBytes: number): void {
    this.#limitBytes = limitBytes;
    this.#maxWindowBytes = maxWindowBytes;
  }

  /** Bytes of window granted to all open streams. */
  get granted(): number {
    return this.#granted;
  }

  /**
   * The window of a new stream, smaller as memory is used up and larger on a long path, where each step of growing
   * takes a round trip; counts as granted until released.
   */
  grantFirst(roundTripMs = 0): number {
    const window = this.#firstWindow(this.#granted / this.#limitBytes, roundTripMs);
    this.#granted += window;
    return window;
  }

  #firstWindow(used: number, roundTripMs: number): number {
    if (used >= 0.75) return MIN_WINDOW_BYTES;
    if (used >= 0.5) return INITIAL_WINDOW_BYTES / 4;
    if (used >= 0.25 || roundTripMs < LONG_PATH_MS) return INITIAL_WINDOW_BYTES;
    const share = Math.floor(this.#limitBytes / LONG_PATH_STREAMS);
    return Math.max(INITIAL_WINDOW_BYTES, Math.min(share, LONG_PATH_WINDOW_BYTES, this.#maxWindowBytes));
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
    return window + by <= this.#maxWindowBytes && this.tryAdd(by);
  }

  /** As `add`, but under the rule of `tryGrow`: for what others may pin besides streams. */
  tryAdd(by: number): boolean {
    if (by * 2 > this.#limitBytes - this.#granted) return false;
    this.#granted += by;
    return true;
  }

  release(bytes: number): void {
    this.#granted -= bytes;
  }
}

/** What a stream may send before its first credit. A small answer fits; bulk grows from here. */
export const INITIAL_WINDOW_BYTES = 65_536;
/** Round trips, in ms, from which on a path is long: waiting for credit costs more there than memory does. */
export const LONG_PATH_MS = 10;
/** The same on a long path, while memory is plentiful: most answers fit, and the rest has its way shortened. */
export const LONG_PATH_WINDOW_BYTES = 1_048_576;
/** No first window takes more than this part of the limit. */
const LONG_PATH_STREAMS = 64;
/** A window under memory pressure. */
export const MIN_WINDOW_BYTES = 4_096;
/** The largest window: 100 ms of 1.3 Gbit/s. */
export const MAX_WINDOW_BYTES = 134_217_728;
