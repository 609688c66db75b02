import type { Socket } from 'node:net';

/** For so long an answer may make no progress, ms, until its client counts as gone. */
const PATIENCE_MS = 200;

/**
 * A client that sends no more: it has asked all it wants to know, or it is gone. TCP does not tell which before
 * something is sent, and what is sent to one that is gone comes back as a reset. So it is served while its answer gets on.
 */
export class HalfClose {
  readonly #socket: Socket;
  readonly #timer: NodeJS.Timeout;
  #written: number;

  /** @param onGone called once, unless `stop` was called before */
  constructor(socket: Socket, onGone: () => void) {
    this.#socket = socket;
    this.#written = socket.bytesWritten;
    this.#timer = setInterval(() => {
      if (this.#getsOn()) return;
      this.stop();
      onGone();
    }, PATIENCE_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #getsOn(): boolean {
    const { bytesWritten, writableLength } = this.#socket;
    const hasMore = bytesWritten > this.#written;
    this.#written = bytesWritten;
    // How long it may take what is written is not asked here.
    return hasMore || writableLength > 0;
  }
}
