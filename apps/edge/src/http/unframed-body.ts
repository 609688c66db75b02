import type { BodyDecoder, BodySink } from '@culvert/http1';

/** A body whose end and trailers the transport tells (RFC 9113 §8.1), unless its length is known. */
export class UnframedBody implements BodyDecoder {
  readonly #length: number;
  #received = 0;
  #ended = false;
  #trailers = '';

  /** @param length bytes announced, -1 where nothing was; the transport sees to it that it holds */
  constructor(length: number) {
    this.#length = length;
  }

  get done(): boolean {
    return this.#ended || this.#received === this.#length;
  }

  get received(): number {
    return this.#received;
  }

  /** Once done: the trailer lines, each with its CRLF. */
  get trailers(): string {
    return this.#trailers;
  }

  push(buffer: Buffer, start: number, end: number, sink?: BodySink): number {
    if (end === start) return end;
    this.#received += end - start;
    sink?.onData(buffer, start, end);
    return end;
  }

  /** Nothing follows. */
  end(trailers: string): void {
    this.#ended = true;
    this.#trailers = trailers;
  }
}
