import { coarseNow } from '@culvert/lifecycle';
import { SocketSink } from '@culvert/link';
import type { LinkStream, StreamConsumer } from '@culvert/link';
import { ResetCode } from '@culvert/wire';
import type { AgentCounters } from '../counters.ts';
import type { ConnectionUser, UpstreamConnection } from './connection.ts';
import { IDLE_MS } from './idle.ts';

/** Bytes both ways between a stream and a service, half-close carried, until both directions have ended. */
export class RawRelay implements StreamConsumer, ConnectionUser {
  readonly #stream: LinkStream;
  readonly #counters: AgentCounters;
  #connection: UpstreamConnection | undefined;
  #sink: SocketSink | undefined;
  #sentEnd = false;
  #receivedEnd = false;

  constructor(stream: LinkStream, counters: AgentCounters) {
    this.#stream = stream;
    this.#counters = counters;
    counters.rawStreams++;
    counters.rawStreamsOpen++;
  }

  /** Takes a connection, which may still be in the making, as its own. */
  begin(connection: UpstreamConnection): void {
    this.#connection = connection;
    this.#sink = new SocketSink(connection.socket, this.#stream);
    if (connection.established) this.onConnected();
  }

  onConnected(): void {
    this.#touch();
  }

  onRead(bytes: number, buffer: Buffer): boolean {
    return this.relay(buffer, 0, bytes);
  }

  /** Passes bytes of the service on; false when something is held back. */
  relay(buffer: Buffer, start: number, end: number): boolean {
    this.#touch();
    return this.#stream.sendData(buffer, start, end, false);
  }

  onWritable(): void {
    this.#touch();
    this.#sink?.drained();
  }

  onUpstreamEnd(): void {
    this.#sentEnd = true;
    this.#stream.sendEnd();
  }

  /** After both ends this is how it ought to be; otherwise the other side must not take it for an end. */
  onLost(reason: string): void {
    const established = this.#connection?.established === true;
    this.#connection = undefined;
    this.#counters.rawStreamsOpen--;
    if (this.#sentEnd && this.#receivedEnd) return;
    this.#reset(established ? ResetCode.UpstreamLost : ResetCode.NotDelivered, reason);
  }

  onDeadline(): void {
    this.#abort();
    this.#reset(ResetCode.UpstreamTimeout, 'nothing moved for too long');
  }

  onAccept(): void {}

  onHead(): void {
    this.#abort();
    this.#reset(ResetCode.Protocol, 'head on a raw stream');
  }

  onData(buffer: Buffer, start: number, end: number): void {
    if (this.#connection === undefined) return;
    this.#touch();
    this.#sink?.write(buffer, start, end);
  }

  onTrailers(): void {}

  onEnd(): void {
    this.#receivedEnd = true;
    this.#connection?.socket.end();
  }

  onReset(): void {
    this.#abort();
  }

  onDrain(): void {
    this.#connection?.socket.resume();
  }

  onUnacknowledged(): void {}

  #touch(): void {
    const connection = this.#connection;
    if (connection?.established === true) connection.deadline = coarseNow() + IDLE_MS;
  }

  #abort(): void {
    if (this.#connection === undefined) return;
    this.#connection.abort();
    this.#connection = undefined;
    this.#counters.rawStreamsOpen--;
  }

  #reset(code: ResetCode, reason: string): void {
    this.#counters.countReset(code);
    this.#stream.reset(code, reason);
  }
}
