import type { ClientHttp2Stream } from 'node:http2';
import type { RequestHead } from '@culvert/http1';
import type { LinkStream } from '@culvert/link';
import { REPLAY_BYTES } from './request-body.ts';

/**
 * A request's body on its way into HTTP/2. The credit of what an upstream does not take is held back, so that no more
 * than the link stream's window ever waits here; what is little is kept until the answer, in case it must go out again.
 */
export class Http2RequestBody {
  /** The body needs no frame of its own. */
  readonly bodiless: boolean;
  /** Sent when everything before them was; absent where there are none. */
  trailers: Record<string, string[]> | undefined;
  /** The length is not known beforehand, and trailers may follow. */
  readonly #chunked: boolean;
  readonly #stream: LinkStream;
  #upstream: ClientHttp2Stream | undefined;
  /** Bytes that are still to come of an announced length. */
  #left: number;
  /** What has come so far; undefined when it was too much to keep, or is not needed any more. */
  #kept: Buffer[] | undefined = [];
  #keptBytes = 0;
  #untaken = 0;
  #ended = false;

  constructor(stream: LinkStream, { body, contentLength }: RequestHead) {
    this.#stream = stream;
    this.bodiless = body === 'none' || contentLength === 0;
    this.#chunked = body === 'chunked';
    this.#left = this.#chunked ? Infinity : Math.max(0, contentLength);
  }

  /** Whether all of the request is here. */
  get ended(): boolean {
    return this.#ended || this.bodiless;
  }

  /** Whether trailers follow, as far as is known by now. */
  get mayHaveTrailers(): boolean {
    return this.trailers !== undefined || (this.#chunked && !this.#ended);
  }

  /** Whether `begin` can begin anew. */
  get repeatable(): boolean {
    return this.#kept !== undefined;
  }

  /** Sends what has come so far on this stream, and from now on what comes. */
  begin(upstream: ClientHttp2Stream): void {
    this.#upstream = upstream;
    const kept = this.#kept ?? [];
    const ends = this.#ended && !this.bodiless;
    // Ended along with its last bytes, it takes a frame less.
    const last = ends ? kept.length - 1 : kept.length;
    for (let at = 0; at < last; at++) upstream.write(kept[at]);
    if (ends) upstream.end(kept[last]);
    if (this.#keptBytes > REPLAY_BYTES) this.forget();
    if (!upstream.writableNeedDrain) this.drained();
  }

  /** False when there is more than was announced. */
  write(buffer: Buffer, start: number, end: number): boolean {
    const bytes = Buffer.from(buffer.subarray(start, end));
    if (bytes.length > this.#left) return false;
    this.#left -= bytes.length;
    const flows = this.#upstream?.write(bytes) === true;
    this.#keep(bytes);
    if (flows && this.#untaken === 0) this.#stream.taken(bytes.length);
    else this.#untaken += bytes.length;
    return true;
  }

  /** False when less came than was announced. */
  end(): boolean {
    if (this.#ended) return true;
    if (!this.#chunked && this.#left > 0) return false;
    this.#ended = true;
    if (!this.bodiless) this.#upstream?.end();
    return true;
  }

  /** The upstream has room again. */
  drained(): void {
    const bytes = this.#untaken;
    this.#untaken = 0;
    if (bytes > 0) this.#stream.taken(bytes);
  }

  /** It will not be sent again. */
  forget(): void {
    this.#kept = undefined;
  }

  /** Before there is a connection everything is: no more comes than the window, since nothing is taken. */
  #keep(bytes: Buffer): void {
    this.#keptBytes += bytes.length;
    if (this.#upstream !== undefined && this.#keptBytes > REPLAY_BYTES) this.#kept = undefined;
    this.#kept?.push(bytes);
  }
}
