import { POOLED_BYTES, borrowBuffer, giveBack } from '@culvert/socket';
import type { Carrier } from './carrier.ts';

/** Bytes gathered before they are written without waiting for the tick's end. */
export const BATCH_BYTES = POOLED_BYTES;
/** What the carrier may have to write before gathered frames wait for its drain. */
const HOLD_BYTES = 262_144;
/** Less than this is copied when it has to wait, so that it does not keep a whole buffer from others. */
const SMALL_BYTES = BATCH_BYTES / 8;

/**
 * Gathers the frames of one turn of the event loop into one write. Its buffer is borrowed from the process only
 * while there is something in it or on its way, so an idle link holds none.
 */
export class Batch {
  readonly #carrier: Carrier;
  readonly #onFlush: () => void;
  #buffer: Buffer | undefined;
  #length = 0;
  #scheduled: NodeJS.Immediate | undefined;

  /** @param onFlush called after the batch of a turn was written */
  constructor(carrier: Carrier, onFlush: () => void) {
    this.#carrier = carrier;
    this.#onFlush = onFlush;
  }

  /** Bytes not yet written. */
  get length(): number {
    return this.#length;
  }

  /** The buffer to write `bytes` into, from offset `length` on; `commit` tells how far it was filled. */
  reserve(bytes: number): Buffer {
    if (this.#buffer !== undefined && this.#length + bytes <= this.#buffer.length) return this.#buffer;
    this.#write();
    this.#buffer = bytes > BATCH_BYTES ? Buffer.allocUnsafeSlow(bytes) : borrowBuffer();
    return this.#buffer;
  }

  commit(length: number): void {
    this.#length = length;
    this.schedule();
  }

  /** Makes `onFlush` run at the end of this turn, also when there is nothing to write. */
  schedule(): void {
    this.#scheduled ??= setImmediate(this.#flushScheduled);
  }

  /** Writes what is there now. */
  flush(): void {
    this.#write();
  }

  /** As `flush`, unless the carrier has enough to write: then frames gather until its drain or until a buffer is full. */
  send(): void {
    if (this.#carrier.backlog < HOLD_BYTES) this.#write();
  }

  /** Drops what was not written. */
  discard(): void {
    if (this.#scheduled !== undefined) clearImmediate(this.#scheduled);
    if (this.#buffer !== undefined) recycle(this.#buffer);
    this.#buffer = undefined;
    this.#length = 0;
  }

  readonly #flushScheduled = (): void => {
    this.#scheduled = undefined;
    this.send();
    this.#onFlush();
  };

  #write(): void {
    const buffer = this.#buffer;
    if (buffer === undefined || this.#length === 0) return;
    const bytes = buffer.subarray(0, this.#length);
    this.#buffer = undefined;
    this.#length = 0;
    if (bytes.length > SMALL_BYTES || this.#carrier.backlog === 0) {
      this.#carrier.write(bytes, () => recycle(buffer));
    } else {
      this.#carrier.write(Buffer.from(bytes), ignore);
      recycle(buffer);
    }
  }
}

function ignore(): void {}

/** Larger ones were made for one frame. */
function recycle(buffer: Buffer): void {
  if (buffer.length === BATCH_BYTES) giveBack(buffer);
}
