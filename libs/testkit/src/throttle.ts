import type { Socket } from 'node:net';
import { resetSocket } from './reset-socket.ts';

/** What happens to the bytes of one direction; nothing given: they pass. */
export interface Traffic {
  /** Nothing passes. */
  readonly holds?: boolean;
  readonly delayMs?: number;
  readonly bytesPerSecond?: number;
}

/** Bytes that one connection may have on their way through; the sender waits beyond. */
const HELD_BYTES = 1_048_576;
/** A limited rate passes bytes in pieces of this size, so that it is even. */
const PIECE_BYTES = 4_096;

/** One direction of a path with all its connections: passes bytes on as `Traffic` says, in order. */
export class Throttle {
  #traffic: Traffic = {};
  readonly #flows = new Set<Flow>();
  /** When a limited path is free for the next piece, on the monotonic clock. */
  #freeAt = 0;

  set(traffic: Traffic): void {
    this.#traffic = traffic;
    this.#freeAt = 0;
    for (const flow of this.#flows) flow.pass();
  }

  join(from: Socket, to: Socket): void {
    const flow = new Flow(from, to, this);
    this.#flows.add(flow);
    to.once('close', () => {
      this.#flows.delete(flow);
      flow.stop();
    });
  }

  get holds(): boolean {
    return this.#traffic.holds === true;
  }

  get pieceBytes(): number {
    return this.#traffic.bytesPerSecond === undefined ? Infinity : PIECE_BYTES;
  }

  /** When bytes that were read at some time may go on; each piece is asked for once. */
  dueAt(readAt: number, bytes: number): number {
    const { delayMs = 0, bytesPerSecond } = this.#traffic;
    const due = readAt + delayMs;
    if (bytesPerSecond === undefined) return due;
    this.#freeAt = Math.max(this.#freeAt, due, performance.now()) + (bytes / bytesPerSecond) * 1_000;
    return this.#freeAt;
  }
}

type Mark = 'end' | 'reset';
type Held = { readonly bytes: Buffer; readonly readAt: number } | Mark;

/** One direction of one connection. */
class Flow {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #throttle: Throttle;
  readonly #held: Held[] = [];
  #heldBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #due: number | undefined;

  constructor(from: Socket, to: Socket, throttle: Throttle) {
    this.#from = from;
    this.#to = to;
    this.#throttle = throttle;
    from.on('data', (chunk: Buffer) => this.#take(chunk));
    from.once('end', () => this.#queue('end'));
    // An end that came before has been passed on; whatever else closes a connection is passed on as a reset.
    from.once('close', (failed: boolean) => {
      if (failed || !from.readableEnded) this.#queue('reset');
    });
    to.on('drain', () => this.pass());
  }

  /** Passes on what may pass now, by the present rules. */
  pass(): void {
    this.#due = undefined;
    this.#run();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#held.length = 0;
  }

  #take(chunk: Buffer): void {
    this.#heldBytes += chunk.length;
    if (this.#heldBytes >= HELD_BYTES) this.#from.pause();
    const readAt = performance.now();
    const size = Math.min(this.#throttle.pieceBytes, chunk.length);
    for (let at = 0; at < chunk.length; at += size) {
      this.#held.push({ bytes: chunk.subarray(at, at + size), readAt });
    }
    this.#run();
  }

  #queue(mark: Mark): void {
    this.#held.push(mark);
    this.#run();
  }

  #run(): void {
    clearTimeout(this.#timer);
    while (this.#held.length > 0 && !this.#throttle.holds && !this.#to.writableNeedDrain) {
      const next = this.#held[0]!;
      if (typeof next === 'object') {
        this.#due ??= this.#throttle.dueAt(next.readAt, next.bytes.length);
        const wait = this.#due - performance.now();
        if (wait > 0.5) {
          this.#timer = setTimeout(() => this.#run(), Math.ceil(wait));
          return;
        }
      }
      this.#due = undefined;
      this.#held.shift();
      this.#give(next);
    }
  }

  #give(next: Held): void {
    if (next === 'end') return void this.#to.end();
    if (next === 'reset') return resetSocket(this.#to);
    this.#to.write(next.bytes);
    this.#heldBytes -= next.bytes.length;
    if (this.#heldBytes < HELD_BYTES / 2) this.#from.resume();
  }
}
