import { Deadlined, coarseNow } from '@culvert/lifecycle';
import type { Deadlines } from '@culvert/lifecycle';
import { own } from '@culvert/socket';
import type { SocketOwner } from '@culvert/socket';
import { sniff } from '@culvert/sniff';
import type { Socket } from 'node:net';

/** What a connection turned out to be. `first` is everything that was read of it: a view, valid during the call. */
export interface SniffTarget {
  onHttp1(socket: Socket, first: Buffer): void;
  onTls(socket: Socket, serverName: string | undefined, first: Buffer): void;
  /** Nothing this edge speaks, or nothing in time. The socket is to be closed. */
  onGarbage(socket: Socket, reason: string): void;
}

/** Owns a public connection until its first bytes tell what it is. */
export class Sniffing extends Deadlined implements SocketOwner {
  readonly #socket: Socket;
  readonly #target: SniffTarget;
  readonly #deadlines: Deadlines;
  #held: Buffer | undefined;

  constructor(socket: Socket, target: SniffTarget, deadlines: Deadlines, timeoutMs: number) {
    super();
    this.#socket = socket;
    this.#target = target;
    this.#deadlines = deadlines;
    this.deadline = coarseNow() + timeoutMs;
    deadlines.watch(this);
    own(socket, this);
  }

  onSocketRead(bytes: number, buffer: Buffer): void {
    const first =
      this.#held === undefined
        ? buffer.subarray(0, bytes)
        : Buffer.concat([this.#held, buffer.subarray(0, bytes)]);
    const verdict = sniff(first, first.length);
    if (verdict.kind === 'need-more') {
      this.#held = Buffer.from(first);
      return;
    }
    this.#deadlines.forget(this);
    switch (verdict.kind) {
      case 'http1':
        return this.#target.onHttp1(this.#socket, first);
      case 'tls':
        return this.#target.onTls(this.#socket, verdict.serverName, first);
      case 'invalid':
        return this.#target.onGarbage(this.#socket, `${verdict.protocol}: ${verdict.reason}`);
      default:
        return this.#target.onGarbage(this.#socket, verdict.kind);
    }
  }

  onSocketDrain(): void {}

  onSocketEnd(): void {
    this.#socket.destroy();
  }

  onSocketClose(): void {
    this.#deadlines.forget(this);
  }

  onDeadline(): void {
    this.#deadlines.forget(this);
    // Nobody has said anything: a browser's spare connection, not worth counting.
    if (this.#held === undefined) this.#socket.destroy();
    else this.#target.onGarbage(this.#socket, 'incomplete');
  }
}
