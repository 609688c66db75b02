import type { Carrier, CarrierSink } from '../carrier.ts';

/** A network for tests: with fake timers its time is theirs, so that what happens on it is the same each time. */
export interface PathOptions {
  /** One way. */
  readonly delayMs?: number;
  /** What each direction carries; without it, everything that is written has left at once. */
  readonly bytesPerMs?: number;
  /** Sizes in which bytes arrive, in turn; without it, as they were written. */
  readonly pieces?: readonly number[];
}

export interface SimulatedPath {
  readonly dialer: SimulatedCarrier;
  readonly listener: SimulatedCarrier;
}

export function simulatedPath(options: PathOptions = {}): SimulatedPath {
  const dialer = new SimulatedCarrier('dialer:1', options);
  const listener = new SimulatedCarrier('listener:1', options);
  dialer.join(listener);
  listener.join(dialer);
  return { dialer, listener };
}

interface Written {
  readonly bytes: Buffer;
  readonly done: () => void;
}

/** One end of a simulated path. */
export class SimulatedCarrier implements Carrier {
  readonly remote: string;
  /** Everything that this end has written, in order. */
  readonly written: Buffer[] = [];
  backlog = 0;
  /** The most bytes that ever waited here. */
  largestBacklog = 0;

  readonly #options: PathOptions;
  readonly #queue: Written[] = [];
  #other: SimulatedCarrier | undefined;
  #sink: CarrierSink | undefined;
  #sending = false;
  #blocked = false;
  #ending = false;
  #closed = false;
  #piece = 0;

  constructor(remote: string, options: PathOptions) {
    this.remote = remote;
    this.#options = options;
  }

  join(other: SimulatedCarrier): void {
    this.#other = other;
  }

  start(sink: CarrierSink): void {
    this.#sink = sink;
  }

  write(bytes: Buffer, done: () => void): void {
    if (this.#closed || this.#ending) return done();
    this.written.push(Buffer.from(bytes));
    this.backlog += bytes.length;
    this.#queue.push({ bytes, done });
    this.#send();
    this.largestBacklog = Math.max(this.largestBacklog, this.backlog);
  }

  end(): void {
    this.#ending = true;
    if (this.#queue.length === 0) this.#arrive(() => this.#closeBoth());
  }

  destroy(): void {
    setImmediate(() => this.close());
    this.#arrive(() => this.#other!.close());
  }

  /** Bytes of memory that what waits here keeps from being used again. */
  get pinnedBytes(): number {
    const pinned = new Set(this.#queue.map(({ bytes }) => bytes.buffer));
    return [...pinned].reduce((sum, buffer) => sum + buffer.byteLength, 0);
  }

  /** The network takes nothing from this end, as when the other end does not read. */
  block(): void {
    this.#blocked = true;
  }

  unblock(): void {
    this.#blocked = false;
    this.#send();
    if (this.backlog === 0) setImmediate(() => this.#sink?.onDrain());
  }

  /** The other end's bytes, put on the wire as they are. */
  inject(bytes: Buffer): void {
    this.#arrive(() => this.#other!.deliver(bytes));
  }

  deliver(bytes: Buffer): void {
    if (this.#closed) return;
    const shared = Buffer.alloc(bytes.length + 8);
    for (let at = 0; at < bytes.length;) {
      const piece = bytes.subarray(at, at + this.#nextPiece());
      shared.set(piece, 4);
      this.#sink?.onBytes(shared, 4, 4 + piece.length);
      shared.fill(0xee);
      at += piece.length;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { done } of this.#queue.splice(0)) done();
    this.#sink?.onClose(undefined);
  }

  #nextPiece(): number {
    const pieces = this.#options.pieces;
    return pieces === undefined ? Infinity : pieces[this.#piece++ % pieces.length]!;
  }

  #send(): void {
    while (!this.#blocked && !this.#sending && this.#queue.length > 0) {
      const { bytesPerMs } = this.#options;
      if (bytesPerMs === undefined) {
        this.#sendOne();
        continue;
      }
      this.#sending = true;
      setTimeout(() => {
        this.#sending = false;
        this.#sendOne();
        if (this.backlog === 0) this.#sink?.onDrain();
        this.#send();
      }, this.#queue[0]!.bytes.length / bytesPerMs);
    }
  }

  #sendOne(): void {
    const { bytes, done } = this.#queue.shift() ?? { bytes: Buffer.alloc(0), done: () => undefined };
    const sent = Buffer.from(bytes);
    this.backlog -= bytes.length;
    done();
    this.#arrive(() => this.#other!.deliver(sent));
    if (this.#ending && this.#queue.length === 0) this.#arrive(() => this.#closeBoth());
  }

  #closeBoth(): void {
    this.#other!.close();
    this.close();
  }

  #arrive(event: () => void): void {
    setTimeout(event, this.#options.delayMs ?? 0);
  }
}
