import type { FrameWriter } from './frame-writer.ts';
import { Kind, MAX_HEAD_BYTES, MAX_PAYLOAD_BYTES } from '@culvert/wire';
import type { ReceiveWindow } from './receive-window.ts';

/** Takes what arrives on a stream. Buffers are views, valid during the call. */
export interface StreamConsumer {
  /** The other side has taken the stream, but has no answer yet. */
  onAccept(): void;
  /**
   * A response head, interim or final, at [start, headEnd), and the first bytes of the body at [headEnd, end),
   * which count as `onData` does. `last`: `onEnd` follows at once.
   */
  onHead(buffer: Buffer, start: number, headEnd: number, end: number, last: boolean): void;
  /** Bytes of the body: `stream.taken(bytes)` once they were passed on, or the peer stops sending. */
  onData(buffer: Buffer, start: number, end: number): void;
  /** Field lines after the body; `onEnd` follows. */
  onTrailers(fields: string): void;
  /** The other side has ended its direction. */
  onEnd(): void;
  /** The stream is gone, in both directions; nothing follows. Not called for a reset of our own. */
  onReset(code: number, text: string): void;
  /** What was held back has been sent: the source may go on. */
  onDrain(): void;
  /** Only for the opener: not acknowledged within the link's limit. Called once. */
  onUnacknowledged(): void;
}

/** What a stream needs of its link. */
export interface StreamPort {
  /** True when data must wait because the link has enough to write. */
  readonly congested: boolean;
  readonly frames: FrameWriter;
  /** Remembers a stream that has bytes and credit, but no room on the link. */
  wait(stream: LinkStream): void;
  /** Forgets a stream whose directions have both ended. */
  forget(stream: LinkStream): void;
  now(): number;
  readonly roundTripMs: number;
}

export interface StreamOptions {
  readonly id: number;
  readonly opener: boolean;
  readonly port: StreamPort;
  readonly consumer: StreamConsumer;
  /** What this side takes. */
  readonly window: ReceiveWindow;
  /** What the other side takes. */
  readonly credit: number;
}

/** What whoever uses a stream does with it; something may stand between the two. */
export type StreamEnd = Pick<
  LinkStream,
  'consumer' | 'heldBytes' | 'sendData' | 'sendEnd' | 'sendTrailers' | 'taken' | 'reset'
>;

const NOTHING = Buffer.alloc(0);
const MAX_DATA_BYTES = MAX_PAYLOAD_BYTES[Kind.Data];
/** What goes along with a head of any size. */
const MAX_BESIDE_HEAD_BYTES = MAX_PAYLOAD_BYTES[Kind.Head] - 4 - MAX_HEAD_BYTES;

/** One request or raw connection on a link. Both sides use the same object; it is no node:stream. */
export class LinkStream {
  readonly id: number;
  /** Whether this side opened the stream. */
  readonly opener: boolean;
  consumer: StreamConsumer;
  /** Ticks of the link's clock since the stream was opened; the link counts them. */
  ticks = 0;
  /** Opener: the other side has shown a sign of the stream. Acceptor: it has sent one. */
  acknowledged = false;
  /** Acceptor: whether the link acknowledges by itself. A relay passes on the acknowledgement it gets instead. */
  acknowledgesItself = true;

  readonly #port: StreamPort;
  readonly #window: ReceiveWindow;
  /** Bytes that the other side takes. */
  #credit: number;
  /** Bytes that wait for credit or for the link: what the source had read when it was told to stop. */
  #held: Buffer[] | undefined;
  #heldBytes = 0;
  #heldEnd = false;
  #heldTrailers = '';
  #waiting = false;
  #sentEnd = false;
  #receivedEnd = false;
  #closed = false;

  constructor(options: StreamOptions) {
    this.id = options.id;
    this.opener = options.opener;
    this.consumer = options.consumer;
    this.#port = options.port;
    this.#window = options.window;
    this.#credit = options.credit;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Whether the other side has ended its direction. */
  get ended(): boolean {
    return this.#receivedEnd;
  }

  /** Bytes that wait here; the source is to stop while there are any. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Sends a response head with what there is of the body. Returns false when the source must wait for `onDrain`. */
  sendHead(head: string, body: Buffer, start: number, end: number, last: boolean): boolean {
    if (this.#closed) return true;
    this.acknowledged = true;
    const bytes = end - start;
    if (bytes <= this.#credit && bytes <= MAX_BESIDE_HEAD_BYTES && this.#heldBytes === 0) {
      this.#credit -= bytes;
      this.#port.frames.sendHead(this.id, head, body, start, end, last);
      if (last) this.#endSent();
      return true;
    }
    this.#port.frames.sendHead(this.id, head, body, start, start, false);
    return this.sendData(body, start, end, last);
  }

  /**
   * Sends bytes; `last` ends the direction. What does not go out now is copied and held. Returns false when
   * something is held: the source must wait for `onDrain`.
   */
  sendData(body: Buffer, start: number, end: number, last: boolean): boolean {
    if (this.#closed || this.#sentEnd) return true;
    if (this.#heldBytes > 0) {
      this.#hold(body, start, end, last);
      return false;
    }
    const bytes = end - start;
    const now = this.#port.congested ? 0 : Math.min(bytes, this.#credit, MAX_DATA_BYTES);
    if (now === bytes) {
      this.#credit -= now;
      this.#port.frames.sendData(this.id, body, start, end, last);
      if (last) this.#endSent();
      return true;
    }
    if (now > 0) {
      this.#credit -= now;
      this.#port.frames.sendData(this.id, body, start, start + now, false);
    }
    this.#hold(body, start + now, end, last);
    if (this.#credit > 0) this.#wait();
    return false;
  }

  /** Tells the opener that the stream was taken, where the link does not do so by itself. */
  accept(): void {
    if (this.#closed || this.acknowledged) return;
    this.acknowledged = true;
    this.#port.frames.sendAccept(this.id);
  }

  sendEnd(): void {
    this.sendData(NOTHING, 0, 0, true);
  }

  /** Ends the direction with field lines, after what is held. */
  sendTrailers(fields: string): void {
    if (this.#closed || this.#sentEnd) return;
    if (this.#heldBytes > 0) {
      this.#heldTrailers = fields;
      this.#heldEnd = true;
      return;
    }
    this.#port.frames.sendTrailers(this.id, fields);
    this.#endSent();
  }

  /** Ends both directions now; the consumer is not called again. */
  reset(code: number, text = ''): void {
    if (this.#closed) return;
    this.#port.frames.sendReset(this.id, code, text);
    this.#close();
  }

  /** The consumer has passed on bytes of `onData`. */
  taken(bytes: number): void {
    if (this.#closed || this.#receivedEnd) return;
    const credit = this.#window.take(bytes, this.#now, this.#port.roundTripMs);
    if (credit > 0) this.#port.frames.sendCredit(this.id, credit);
  }

  readonly #now = (): number => this.#port.now();

  // From here on: called by the link.

  /** Bytes were sent with the opening frame. */
  countOpened(bytes: number, last: boolean): void {
    this.#credit -= bytes;
    if (last) this.#endSent();
  }

  /** False when the peer sent more than it was granted. */
  receiveHead(buffer: Buffer, start: number, headEnd: number, end: number, last: boolean): boolean {
    if (!this.#window.receive(end - headEnd)) return false;
    this.consumer.onHead(buffer, start, headEnd, end, last);
    if (last) this.receiveEnd();
    return true;
  }

  /** False when the peer sent more than it was granted. */
  receiveData(buffer: Buffer, start: number, end: number, last: boolean): boolean {
    if (this.#closed) return true;
    if (end > start) {
      if (!this.#window.receive(end - start)) return false;
      this.consumer.onData(buffer, start, end);
    }
    if (last) this.receiveEnd();
    return true;
  }

  receiveEnd(): void {
    if (this.#closed || this.#receivedEnd) return;
    this.#receivedEnd = true;
    this.consumer.onEnd();
    if (this.#sentEnd) this.#close();
  }

  receiveReset(code: number, text: string): void {
    if (this.#closed) return;
    this.#close();
    this.consumer.onReset(code, text);
  }

  receiveCredit(bytes: number): void {
    this.#credit += bytes;
    if (this.#heldBytes > 0) this.#wait();
  }

  /** The link has room: sends up to `quantum` held bytes, and waits for the next turn when there is more. */
  sendHeld(quantum: number): void {
    this.#waiting = false;
    if (this.#closed) return;
    let room = Math.min(quantum, this.#credit);
    while (room > 0 && this.#heldBytes > 0) {
      const held = this.#held!;
      const first = held[0]!;
      const bytes = Math.min(room, first.length);
      room -= bytes;
      this.#credit -= bytes;
      this.#heldBytes -= bytes;
      if (bytes === first.length) held.shift();
      else held[0] = first.subarray(bytes);
      const last = this.#heldBytes === 0 && this.#heldEnd && this.#heldTrailers === '';
      this.#port.frames.sendData(this.id, first, 0, bytes, last);
      if (last) this.#endSent();
    }
    if (this.#heldBytes === 0) this.#heldDone();
    else if (this.#credit > 0) this.#wait();
  }

  #heldDone(): void {
    if (this.#heldTrailers !== '') {
      this.#port.frames.sendTrailers(this.id, this.#heldTrailers);
      this.#endSent();
    }
    if (!this.#sentEnd && !this.#closed) this.consumer.onDrain();
  }

  #hold(body: Buffer, start: number, end: number, last: boolean): void {
    if (end > start) {
      this.#held ??= [];
      this.#held.push(Buffer.from(body.subarray(start, end)));
      this.#heldBytes += end - start;
    }
    this.#heldEnd ||= last;
  }

  #wait(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    this.#port.wait(this);
  }

  #endSent(): void {
    this.#sentEnd = true;
    if (this.#receivedEnd) this.#close();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#held = undefined;
    this.#heldBytes = 0;
    this.#window.release();
    this.#port.forget(this);
  }
}
