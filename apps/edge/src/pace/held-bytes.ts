/** Bytes that wait for their turn, and what follows them. */
export class HeldBytes {
  /** The direction ends behind the bytes. */
  ended = false;
  /** Field lines at that end. */
  trailers = '';
  #chunks: Buffer[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether nothing waits, not even an end. */
  get empty(): boolean {
    return this.#bytes === 0 && !this.ended && this.trailers === '';
  }

  /** Copies buffer[start, end). */
  add(buffer: Buffer, start: number, end: number): void {
    if (end === start) return;
    this.#chunks.push(Buffer.from(buffer.subarray(start, end)));
    this.#bytes += end - start;
  }

  /** Hands over so many of the first bytes, piece by piece, and whether each is the last there is. */
  pass(bytes: number, take: (bytes: Buffer, last: boolean) => void): void {
    for (let left = bytes; left > 0 && this.#chunks.length > 0;) {
      const first = this.#chunks[0]!;
      const size = Math.min(left, first.length);
      left -= size;
      this.#bytes -= size;
      if (size === first.length) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(size);
      take(first.subarray(0, size), this.#bytes === 0);
    }
  }

  drop(): void {
    this.#chunks = [];
    this.#bytes = 0;
    this.ended = false;
    this.trailers = '';
  }
}
