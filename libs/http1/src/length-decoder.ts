import type { BodyDecoder, BodySink } from './body-decoder.ts';

/** A body of so many bytes; Infinity for one that ends with its connection. */
export class LengthDecoder implements BodyDecoder {
  readonly #length: number;
  #received = 0;

  constructor(length: number) {
    this.#length = length;
  }

  get done(): boolean {
    return this.#received === this.#length;
  }

  get received(): number {
    return this.#received;
  }

  push(buffer: Buffer, start: number, end: number, sink?: BodySink): number {
    const stop = Math.min(end, start + this.#length - this.#received);
    this.#received += stop - start;
    if (stop > start) sink?.onData(buffer, start, stop);
    return stop;
  }
}
