import { Deadlined, coarseNow } from '@culvert/lifecycle';
import type { Deadlines } from '@culvert/lifecycle';
import { SocketSink } from '@culvert/link';
import type { StreamConsumer, StreamEnd } from '@culvert/link';
import { abort, own } from '@culvert/socket';
import type { SocketOwner } from '@culvert/socket';
import { ResetCode } from '@culvert/wire';
import type { Socket } from 'node:net';
import { waitsForItsTurn } from '../pace/paced-stream.ts';

export interface RawPipeOptions {
  readonly socket: Socket;
  readonly stream: StreamEnd;
  readonly deadlines: Deadlines;
  /** ms without a byte in either direction after which both are cut. */
  readonly idleMs: number;
}

/** Bytes both ways between a client's socket and a stream, half-close carried, until both directions have ended. */
export class RawPipe extends Deadlined implements SocketOwner, StreamConsumer {
  readonly #deadlines: Deadlines;
  readonly #idleMs: number;
  readonly #socket: Socket;
  readonly #stream: StreamEnd;
  readonly #sink: SocketSink;

  constructor(options: RawPipeOptions) {
    super();
    this.#deadlines = options.deadlines;
    this.#idleMs = options.idleMs;
    this.#socket = options.socket;
    this.#stream = options.stream;
    this.#sink = new SocketSink(options.socket, options.stream);
    this.deadline = coarseNow() + options.idleMs;
    options.stream.consumer = this;
    options.deadlines.watch(this);
    own(options.socket, this);
  }

  /** Sends what the client has sent before; `ended` when it sends no more. */
  begin(early: Buffer, ended: boolean): void {
    const flows = early.length === 0 || this.#stream.sendData(early, 0, early.length, false);
    if (ended) this.#stream.sendEnd();
    if (flows) this.#socket.resume();
    else this.#socket.pause();
  }

  /** What was written and has not gone out. */
  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  onSocketRead(bytes: number, buffer: Buffer): boolean {
    this.#touch();
    return this.#stream.sendData(buffer, 0, bytes, false);
  }

  onSocketDrain(): void {
    this.#touch();
    this.#sink.drained();
  }

  onSocketEnd(): void {
    this.#stream.sendEnd();
  }

  onSocketClose(): void {
    this.#deadlines.forget(this);
    this.#stream.reset(ResetCode.Cancelled);
  }

  onDeadline(): void {
    if (waitsForItsTurn(this.#stream)) return this.#touch();
    abort(this.#socket);
  }

  onAccept(): void {}

  onHead(): void {
    this.#stream.reset(ResetCode.Protocol, 'head on a raw stream');
    abort(this.#socket);
  }

  onData(buffer: Buffer, start: number, end: number): void {
    this.#touch();
    this.#sink.write(buffer, start, end);
  }

  onTrailers(): void {}

  onEnd(): void {
    this.#socket.end();
  }

  onReset(): void {
    abort(this.#socket);
  }

  onDrain(): void {
    this.#socket.resume();
  }

  onUnacknowledged(): void {}

  #touch(): void {
    this.deadline = coarseNow() + this.#idleMs;
  }
}
