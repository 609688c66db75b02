import type { StreamEnd } from '@culvert/link';
import type { Http2Stream } from 'node:http2';

/** Up to here bytes are written as a latin1 string: node:http2 takes one for 2 µs less than a Buffer. */
const TEXT_BYTES = 16_384;

/** Writes what arrives on a link's stream to a client's, and gives credit back as the client's window takes it. */
export class Http2Sink {
  readonly #to: Http2Stream;
  readonly #from: StreamEnd;
  /** Bytes written while the client's stream was full. */
  #untaken = 0;

  constructor(to: Http2Stream, from: StreamEnd) {
    this.#to = to;
    this.#from = from;
  }

  /** Writes a view that is reused after the call. */
  write(buffer: Buffer, start: number, end: number): void {
    if (end === start) return;
    const hasRoom =
      end - start > TEXT_BYTES
        ? this.#to.write(Buffer.from(buffer.subarray(start, end)))
        : this.#to.write(buffer.toString('latin1', start, end), 'latin1');
    if (hasRoom && this.#untaken === 0) this.#from.taken(end - start);
    else this.#untaken += end - start;
  }

  /** The client's stream has room again. */
  drained(): void {
    const bytes = this.#untaken;
    this.#untaken = 0;
    if (bytes > 0) this.#from.taken(bytes);
  }
}
