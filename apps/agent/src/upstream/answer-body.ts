import {
  bodyDecoder,
  ChunkedDecoder,
  type BodyDecoder,
  type BodySink,
  type ResponseHead,
} from '@culvert/http1';
import type { LinkStream } from '@culvert/link';

const NOTHING = Buffer.alloc(0);

/** Passes the body of an answer on to the stream as it arrives, without its transfer coding. */
export class AnswerBody implements BodySink {
  /** False after a read of which something is held back. */
  flows = true;
  /** Whether the end of the connection is the proper end of the body. */
  readonly endsWithConnection: boolean;
  readonly #stream: LinkStream;
  readonly #decoder: BodyDecoder | undefined;
  /** Goes with the first bytes. */
  #head: string;

  /** @param head as text, to be sent in front */
  constructor(stream: LinkStream, answer: ResponseHead, head: string) {
    this.#stream = stream;
    this.#decoder = bodyDecoder(answer);
    this.#head = head;
    this.endsWithConnection = answer.body === 'close';
  }

  get done(): boolean {
    return this.#decoder === undefined || this.#decoder.done;
  }

  /** Passes on what belongs to the body; returns where that ends. Throws Http1Error. */
  receive(buffer: Buffer, start: number, end: number): number {
    this.flows = true;
    const decoder = this.#decoder;
    const to = decoder === undefined ? start : decoder.push(buffer, start, end, this);
    if (this.#head !== '') this.#sendHead(NOTHING, 0, 0, false);
    if (decoder instanceof ChunkedDecoder && decoder.done) this.#endChunked(decoder.trailers);
    return to;
  }

  /** The connection has ended properly. */
  end(): void {
    this.#stream.sendEnd();
  }

  onData(buffer: Buffer, start: number, end: number): void {
    // True only with the last piece of an announced length: chunks have a line to come after the last byte.
    const last = this.#decoder?.done === true;
    if (this.#head === '') this.flows = this.#stream.sendData(buffer, start, end, last);
    else this.#sendHead(buffer, start, end, last);
  }

  #sendHead(buffer: Buffer, start: number, end: number, last: boolean): void {
    const head = this.#head;
    this.#head = '';
    this.flows = this.#stream.sendHead(head, buffer, start, end, last);
  }

  #endChunked(trailers: string): void {
    if (trailers === '') this.#stream.sendEnd();
    else this.#stream.sendTrailers(trailers);
  }
}
