import { ChunkedDecoder, bodyDecoder } from '@culvert/http1';
import type { BodyDecoder, BodySink, RequestHead } from '@culvert/http1';
import type { StreamEnd } from '@culvert/link';
import { UnframedBody } from './unframed-body.ts';

/** Up to here a body is kept, so that the request can be sent again to another agent; and what waits to be sent. */
const MAX_KEPT_BYTES = 65_536;
const NOTHING = Buffer.alloc(0);

/** The body of a request on its way from the client to a stream. */
export class RequestBody implements BodySink {
  /** Bytes of the body beyond which nothing is passed on. */
  limit = Infinity;
  readonly #decoder: BodyDecoder;
  #stream: StreamEnd | undefined;
  /** Everything so far, or nothing once it was too much to be kept. */
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #keeping = true;
  #ended = false;
  #received = 0;

  constructor(decoder: BodyDecoder) {
    this.#decoder = decoder;
  }

  /** As an HTTP/1.x head announces it; undefined for a request without body. */
  static of(head: RequestHead): RequestBody | undefined {
    const decoder = head.contentLength === 0 ? undefined : bodyDecoder(head);
    return decoder === undefined ? undefined : new RequestBody(decoder);
  }

  get done(): boolean {
    return this.#decoder.done;
  }

  /** Whether more has come than the limit allows. */
  get exceeded(): boolean {
    return this.#received > this.limit;
  }

  /** Whether everything that was sent can be sent again. */
  get repeatable(): boolean {
    this.#forgetTooMuch();
    return this.#keeping;
  }

  /** Whether what is read goes out at once. */
  get flows(): boolean {
    return this.#stream !== undefined && this.#stream.heldBytes === 0;
  }

  /** Takes what belongs to the body and returns where that ends. Throws Http1Error. */
  take(buffer: Buffer, start: number, end: number): number {
    const at = this.#decoder.push(buffer, start, end, this);
    if (this.#decoder.done && !this.exceeded && this.#stream !== undefined) this.#end(this.#stream);
    return at;
  }

  onData(buffer: Buffer, start: number, end: number): void {
    this.#received += end - start;
    if (this.exceeded) return;
    const stream = this.#stream;
    this.#forgetTooMuch();
    if (this.#keeping) {
      this.#kept.push(Buffer.from(buffer.subarray(start, end)));
      this.#keptBytes += end - start;
    }
    if (stream === undefined) return;
    this.#ended = this.#decoder.done;
    stream.sendData(buffer, start, end, this.#ended);
  }

  /** Opens a stream with all there is, by a function that takes the bytes and whether they are all. */
  open(open: (bytes: Buffer, last: boolean) => StreamEnd): StreamEnd {
    const bytes = this.#kept.length === 0 ? NOTHING : Buffer.concat(this.#kept);
    this.#ended = this.#decoder.done && this.#trailers === '';
    const stream = open(bytes, this.#ended);
    this.#stream = stream;
    if (this.#decoder.done) this.#end(stream);
    return stream;
  }

  /** The stream is of no use: what comes is kept until there is another. Only while `repeatable`. */
  detach(): void {
    this.#stream = undefined;
  }

  get #trailers(): string {
    const decoder = this.#decoder;
    return decoder instanceof ChunkedDecoder || decoder instanceof UnframedBody ? decoder.trailers : '';
  }

  #end(stream: StreamEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#trailers === '') stream.sendEnd();
    else stream.sendTrailers(this.#trailers);
  }

  /** More has gone out than is kept. While some of it waits, the other side has shown no sign, and may not be there. */
  #forgetTooMuch(): void {
    if (!this.#keeping || this.#keptBytes <= MAX_KEPT_BYTES || !this.flows) return;
    this.#keeping = false;
    this.#kept = [];
  }
}
