import type { RequestHead } from '@culvert/http1';
import type { LinkStream, StreamConsumer } from '@culvert/link';
import type { HttpTarget, Opening } from './http-target.ts';

/** Keeps what comes of a request until it is known who takes it: no more than a window, since nothing is taken. */
export class UndecidedRequest implements StreamConsumer {
  readonly #stream: LinkStream;
  readonly #request: RequestHead;
  readonly #open: Opening;
  readonly #body: Buffer[] = [];
  #trailers: string | undefined;
  #ended = false;
  #gone = false;

  constructor(stream: LinkStream, request: RequestHead, open: Opening) {
    this.#stream = stream;
    this.#request = request;
    this.#open = open;
  }

  /** Hands the request over, as if it were coming only now. */
  decide(target: HttpTarget): void {
    if (this.#gone) return;
    const taker = target.begin(this.#stream, this.#request, this.#open);
    if (typeof taker === 'number') return this.#stream.reset(taker);
    this.#stream.consumer = taker;
    for (const bytes of this.#body) taker.onData(bytes, 0, bytes.length);
    if (this.#trailers !== undefined) taker.onTrailers(this.#trailers);
    if (this.#ended) taker.onEnd();
  }

  onData(buffer: Buffer, start: number, end: number): void {
    this.#body.push(Buffer.from(buffer.subarray(start, end)));
  }

  onTrailers(fields: string): void {
    this.#trailers = fields;
  }

  onEnd(): void {
    this.#ended = true;
  }

  onReset(): void {
    this.#gone = true;
  }

  onAccept(): void {}
  onHead(): void {}
  onDrain(): void {}
  onUnacknowledged(): void {}
}
