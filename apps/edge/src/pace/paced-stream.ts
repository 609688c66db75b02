import type { LinkStream, StreamConsumer, StreamEnd } from '@culvert/link';
import { HeldBytes } from './held-bytes.ts';
import type { Paced, Pacer } from './pacer.ts';
import { TokenBucket } from './token-bucket.ts';

/** Bytes a second; Infinity where there is no limit. */
export interface Rates {
  readonly up: number;
  readonly down: number;
}

/** Whether it is quiet because its bytes may not pass yet. */
export function waitsForItsTurn(stream: StreamEnd | undefined): boolean {
  return stream instanceof PacedStream && stream.waiting;
}

/**
 * Stands between a stream and whoever uses it, and lets bytes pass at a rate: up is what the user sends. What must wait
 * is held here and counts as untaken, so that it is bounded by the stream's window on the way down, and by one read on
 * the way up.
 */
export class PacedStream implements StreamEnd, StreamConsumer, Paced {
  consumer: StreamConsumer;
  readonly #pacer: Pacer;
  readonly #up: TokenBucket;
  readonly #down: TokenBucket;
  readonly #toSend = new HeldBytes();
  readonly #received = new HeldBytes();
  #stream: LinkStream | undefined;
  #over = false;

  constructor(pacer: Pacer, rates: Rates, consumer: StreamConsumer) {
    const nowMs = pacer.now();
    this.consumer = consumer;
    this.#pacer = pacer;
    this.#up = new TokenBucket(rates.up, nowMs);
    this.#down = new TokenBucket(rates.down, nowMs);
  }

  /** The stream of which this is the consumer, once it is open, and how many bytes went along with its opening. */
  opened(stream: LinkStream, bytes: number): this {
    this.#stream = stream;
    this.#up.spend(bytes, this.#pacer.now());
    return this;
  }

  /** The same, opened by a function that is told how many of the bytes may go along now; the others follow. */
  openWith(open: (bytes: number, last: boolean) => LinkStream, body: Buffer, last: boolean): this {
    const now = this.#up.take(body.length, this.#pacer.now());
    this.#stream = open(now, last && now === body.length);
    if (now < body.length) this.#keepToSend(body, now, body.length, last);
    return this;
  }

  /** Whether bytes wait for nothing but their turn. */
  get waiting(): boolean {
    return !this.#received.empty || (!this.#toSend.empty && this.#stream!.heldBytes === 0);
  }

  // StreamEnd: what the user does

  get heldBytes(): number {
    return this.#toSend.bytes + this.#stream!.heldBytes;
  }

  sendData(body: Buffer, start: number, end: number, last: boolean): boolean {
    if (this.#over) return true;
    if (this.#toSend.empty) {
      const now = this.#up.take(end - start, this.#pacer.now());
      if (now === end - start) return this.#stream!.sendData(body, start, end, last);
      if (now > 0) this.#stream!.sendData(body, start, start + now, false);
      this.#keepToSend(body, start + now, end, last);
    } else this.#keepToSend(body, start, end, last);
    return false;
  }

  sendEnd(): void {
    if (this.#toSend.empty) this.#stream!.sendEnd();
    else this.#toSend.ended = true;
  }

  sendTrailers(fields: string): void {
    if (this.#toSend.empty) return this.#stream!.sendTrailers(fields);
    this.#toSend.trailers = fields;
    this.#toSend.ended = true;
  }

  taken(bytes: number): void {
    this.#stream!.taken(bytes);
  }

  reset(code: number, text?: string): void {
    this.#stop();
    this.#stream!.reset(code, text);
  }

  // StreamConsumer: what comes on the stream

  onAccept(): void {
    this.consumer.onAccept();
  }

  onHead(buffer: Buffer, start: number, headEnd: number, end: number, last: boolean): void {
    const bytes = end - headEnd;
    const now = this.#down.take(bytes, this.#pacer.now());
    this.consumer.onHead(buffer, start, headEnd, headEnd + now, last && now === bytes);
    if (now < bytes) this.#hold(buffer, headEnd + now, end);
  }

  onData(buffer: Buffer, start: number, end: number): void {
    if (!this.#received.empty) return this.#hold(buffer, start, end);
    const now = this.#down.take(end - start, this.#pacer.now());
    if (now > 0) this.consumer.onData(buffer, start, start + now);
    if (start + now < end) this.#hold(buffer, start + now, end);
  }

  onTrailers(fields: string): void {
    if (this.#received.empty) this.consumer.onTrailers(fields);
    else this.#received.trailers = fields;
  }

  onEnd(): void {
    if (this.#received.empty) this.consumer.onEnd();
    else this.#received.ended = true;
  }

  onReset(code: number, text: string): void {
    // All of the answer has arrived: it still goes out.
    if (this.#received.ended) return this.#toSend.drop();
    this.#stop();
    this.consumer.onReset(code, text);
  }

  onDrain(): void {
    if (this.#toSend.empty) this.consumer.onDrain();
  }

  onUnacknowledged(): void {
    this.consumer.onUnacknowledged();
  }

  // Paced

  release(nowMs: number): boolean {
    this.#releaseUp(nowMs);
    this.#releaseDown(nowMs);
    return this.#toSend.empty && this.#received.empty;
  }

  #keepToSend(body: Buffer, start: number, end: number, last: boolean): void {
    this.#toSend.add(body, start, end);
    this.#toSend.ended ||= last;
    this.#pacer.wait(this);
  }

  #releaseUp(nowMs: number): void {
    const held = this.#toSend;
    // What the link cannot take yet must not be hidden in its own queue.
    if (held.empty || this.#stream!.heldBytes > 0) return;
    const { ended, trailers } = held;
    held.pass(this.#up.take(held.bytes, nowMs), (bytes, last) => {
      this.#stream!.sendData(bytes, 0, bytes.length, last && ended && trailers === '');
    });
    if (held.bytes > 0) return;
    held.drop();
    if (trailers !== '') this.#stream!.sendTrailers(trailers);
    if (!ended && this.#stream!.heldBytes === 0) this.consumer.onDrain();
  }

  #releaseDown(nowMs: number): void {
    const held = this.#received;
    if (held.empty) return;
    held.pass(this.#down.take(held.bytes, nowMs), (bytes) => {
      if (!this.#over) this.consumer.onData(bytes, 0, bytes.length);
    });
    if (held.bytes > 0) return;
    const { ended, trailers } = held;
    held.drop();
    if (this.#over) return;
    if (trailers !== '') this.consumer.onTrailers(trailers);
    if (ended) this.consumer.onEnd();
  }

  #hold(buffer: Buffer, start: number, end: number): void {
    if (this.#over) return;
    this.#received.add(buffer, start, end);
    this.#pacer.wait(this);
  }

  #stop(): void {
    this.#over = true;
    this.#toSend.drop();
    this.#received.drop();
    this.#pacer.forget(this);
  }
}
