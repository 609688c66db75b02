import { POOLED_BYTES, borrowBuffer, giveBack } from '@culvert/socket';
import type { Socket } from 'node:net';
import type { StreamEnd } from './stream.ts';

/**
 * Up to here bytes are written as a latin1 string, which the socket tries to send from the stack: cheaper than a
 * buffer of their own.
 */
const TEXT_BYTES = 16_384;

/** Writes what arrives on a stream to a socket, and gives credit back as the socket takes it. */
export class SocketSink {
  readonly #socket: Socket;
  readonly #stream: Pick<StreamEnd, 'taken'>;
  /** Stream bytes written while the socket was full. */
  #untaken = 0;

  constructor(socket: Socket, stream: Pick<StreamEnd, 'taken'>) {
    this.#socket = socket;
    this.#stream = stream;
  }

  /** Writes a view that is reused after the call, between texts that do not count as stream bytes. */
  write(buffer: Buffer, start: number, end: number, before = '', after = ''): void {
    const bytes = end - start;
    const hasRoom =
      bytes <= TEXT_BYTES
        ? this.#socket.write(before + buffer.toString('latin1', start, end) + after, 'latin1')
        : this.#writeLarge(buffer, start, end, before, after);
    if (hasRoom && this.#untaken === 0) this.#stream.taken(bytes);
    else this.#untaken += bytes;
  }

  /** The socket has room again. */
  drained(): void {
    const bytes = this.#untaken;
    this.#untaken = 0;
    if (bytes > 0) this.#stream.taken(bytes);
  }

  #writeLarge(buffer: Buffer, start: number, end: number, before: string, after: string): boolean {
    if (before === '' && after === '') return this.#writeCopy(buffer, start, end);
    this.#socket.cork();
    if (before !== '') this.#socket.write(before, 'latin1');
    this.#writeCopy(buffer, start, end);
    if (after !== '') this.#socket.write(after, 'latin1');
    this.#socket.uncork();
    return !this.#socket.writableNeedDrain;
  }

  /** Through a pooled buffer while the other end keeps up; what waits for a slow one takes no more room than it needs. */
  #writeCopy(buffer: Buffer, start: number, end: number): boolean {
    const bytes = end - start;
    if (bytes > POOLED_BYTES || this.#socket.writableLength > 0) {
      return this.#socket.write(Buffer.from(buffer.subarray(start, end)));
    }
    const pooled = borrowBuffer();
    buffer.copy(pooled, 0, start, end);
    return this.#socket.write(pooled.subarray(0, bytes), () => giveBack(pooled));
  }
}
