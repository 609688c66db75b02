import { CHUNK_END, chunkHeader, lastChunk } from '@culvert/http1';
import type { LinkStream } from '@culvert/link';
import type { Socket } from 'node:net';

/**
 * Up to here bytes are written as a latin1 string, which the socket tries to send from the stack: cheaper than a
 * buffer of their own.
 */
const TEXT_BYTES = 16_384;
/** What is kept of a body so that it can be sent again. */
export const REPLAY_BYTES = 65_536;

export interface RequestBodyOptions {
  readonly stream: LinkStream;
  /** The request head, sent together with the first bytes when they are there. */
  readonly head: string;
  /** Bytes that the head announces; -1 when it announces chunks. */
  readonly length: number;
  /** Whether what was sent is kept, as long as it is little. */
  readonly repeatable: boolean;
}

/**
 * Sends a request that has a body, in the transfer coding that its head announces. The credit of what an upstream
 * does not take is held back, so that no more than the stream's window ever waits here.
 */
export class RequestBody {
  readonly #stream: LinkStream;
  readonly #chunked: boolean;
  readonly #repeatable: boolean;
  /** Bytes that are still to come of an announced length. */
  #left: number;
  #socket: Socket;
  /** Texts that go in front of the next bytes. */
  #pending: string;
  /** Written in this form so far; undefined when it was too much to keep. */
  #sent: Buffer[] | undefined;
  #sentBytes = 0;
  /** Stream bytes that the socket has not passed on yet. */
  #untaken = 0;
  #ended = false;

  constructor(socket: Socket, options: RequestBodyOptions) {
    this.#socket = socket;
    this.#stream = options.stream;
    this.#chunked = options.length === -1;
    this.#left = options.length;
    this.#pending = options.head;
    this.#repeatable = options.repeatable;
    this.#sent = options.repeatable ? [] : undefined;
    // By then the bytes that came with the stream's opening are here; without any the head goes alone.
    process.nextTick(flushHead, this);
  }

  /** Whether everything was sent that the head announced. */
  get done(): boolean {
    return this.#ended;
  }

  /** Whether `sendAgain` can begin anew. */
  get repeatable(): boolean {
    return this.#sent !== undefined;
  }

  /** Sends bytes of the body; false when there are more than were announced. */
  write(buffer: Buffer, start: number, end: number): boolean {
    const bytes = end - start;
    if (!this.#chunked && bytes > this.#left) return false;
    const before = this.#pending + (this.#chunked ? chunkHeader(bytes) : '');
    const after = this.#chunked ? CHUNK_END : '';
    this.#pending = '';
    this.#left -= bytes;
    const flows =
      bytes <= TEXT_BYTES
        ? this.#write(before + buffer.toString('latin1', start, end) + after)
        : this.#writeLarge(before, Buffer.from(buffer.subarray(start, end)), after);
    if (flows && this.#untaken === 0) this.#stream.taken(bytes);
    else this.#untaken += bytes;
    return true;
  }

  /** Sends the end; false when less came than was announced. */
  end(trailers: string): boolean {
    if (this.#ended) return true;
    if (!this.#chunked && this.#left > 0) return false;
    this.#ended = true;
    const rest = this.#pending + (this.#chunked ? lastChunk(trailers) : '');
    this.#pending = '';
    if (rest !== '') this.#write(rest);
    return true;
  }

  /** The socket has room again. */
  drained(): void {
    const bytes = this.#untaken;
    this.#untaken = 0;
    if (bytes > 0) this.#stream.taken(bytes);
  }

  /** Sends on a new connection what was sent before, and goes on there. */
  sendAgain(socket: Socket): void {
    this.#socket = socket;
    for (const part of this.#sent ?? []) socket.write(part);
    if (!socket.writableNeedDrain) this.drained();
  }

  flushHead(): void {
    const head = this.#pending;
    this.#pending = '';
    if (head !== '' && !this.#socket.destroyed) this.#write(head);
  }

  #write(text: string): boolean {
    if (this.#repeatable) this.#keep(Buffer.from(text, 'latin1'));
    return this.#socket.write(text, 'latin1');
  }

  #writeLarge(before: string, bytes: Buffer, after: string): boolean {
    const socket = this.#socket;
    socket.cork();
    if (before !== '') this.#write(before);
    if (this.#repeatable) this.#keep(bytes);
    socket.write(bytes);
    if (after !== '') this.#write(after);
    socket.uncork();
    return !socket.writableNeedDrain;
  }

  #keep(bytes: Buffer): void {
    this.#sentBytes += bytes.length;
    if (this.#sentBytes > REPLAY_BYTES) this.#sent = undefined;
    this.#sent?.push(bytes);
  }
}

function flushHead(body: RequestBody): void {
  body.flushHead();
}
