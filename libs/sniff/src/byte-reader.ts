import { Malformed } from './verdict.ts';

/** Reads length-prefixed structures out of a buffer and never beyond it: what is cut short is malformed. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** A big-endian unsigned number of 1 to 6 bytes. */
  number(size: number): number {
    return this.take(size).readUIntBE(0, size);
  }

  /** A view of the next `length` bytes. */
  take(length: number): Buffer {
    if (length > this.left) throw new Malformed('structure cut short');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** A vector of at least `min` bytes behind its length of `size` bytes. */
  vector(size: number, min = 0): Buffer {
    const length = this.number(size);
    if (length < min) throw new Malformed('structure cut short');
    return this.take(length);
  }

  end(): void {
    if (this.left > 0) throw new Malformed('bytes left over');
  }
}
