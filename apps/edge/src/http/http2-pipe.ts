import { Deadlined, coarseNow } from '@culvert/lifecycle';
import type { StreamConsumer, StreamEnd } from '@culvert/link';
import { ResetCode } from '@culvert/wire';
import type { ServerHttp2Stream } from 'node:http2';
import type { HttpContext } from './http-context.ts';
import { endByTrailers } from './http2-end.ts';
import { Http2ErrorCode } from './http2-error-code.ts';
import { Http2Sink } from './http2-sink.ts';
import { waitsForItsTurn } from '../pace/paced-stream.ts';
import { UploadHold } from './upload-hold.ts';

/**
 * Bytes both ways between a client's stream, whose CONNECT is answered (RFC 8441) with `waitForTrailers`, and a link's,
 * half-close carried, until both directions have ended.
 */
export class Http2Pipe extends Deadlined implements StreamConsumer {
  readonly #context: HttpContext;
  readonly #client: ServerHttp2Stream;
  readonly #stream: StreamEnd;
  readonly #idleMs: number;
  readonly #sink: Http2Sink;
  readonly #hold: UploadHold;

  /** @param idleMs without a byte in either direction after which both are cut */
  constructor(context: HttpContext, client: ServerHttp2Stream, stream: StreamEnd, idleMs: number) {
    super();
    this.#idleMs = idleMs;
    this.#context = context;
    this.#client = client;
    this.#stream = stream;
    this.#sink = new Http2Sink(client, stream);
    this.#hold = new UploadHold(context.ways.memory);
    stream.consumer = this;
    context.deadlines.watch(this);
    this.#touch();
    endByTrailers(client, () => '');
    client.on('data', (bytes: Buffer) => this.#onClientData(bytes));
    client.on('end', () => this.#onClientEnd());
    client.on('drain', () => this.#onClientDrain());
    client.on('close', () => this.#onClientClose());
  }

  onDeadline(): void {
    if (waitsForItsTurn(this.#stream)) return this.#touch();
    this.#client.close(Http2ErrorCode.Cancel);
  }

  onAccept(): void {}

  onHead(): void {
    this.#stream.reset(ResetCode.Protocol, 'head on a raw stream');
    this.#client.close(Http2ErrorCode.InternalError);
  }

  onData(buffer: Buffer, start: number, end: number): void {
    this.#touch();
    if (!this.#client.destroyed && !this.#client.closed) this.#sink.write(buffer, start, end);
  }

  onTrailers(): void {}

  onEnd(): void {
    this.#client.end();
  }

  /** RFC 8441 §5: what a reset is for TCP, CANCEL is for a stream. */
  onReset(): void {
    this.#client.close(Http2ErrorCode.Cancel);
  }

  onDrain(): void {
    this.#hold.release();
    this.#client.resume();
  }

  onUnacknowledged(): void {}

  #onClientData(bytes: Buffer): void {
    this.#touch();
    if (this.#stream.sendData(bytes, 0, bytes.length, false)) return;
    this.#client.pause();
    if (!this.#hold.hold()) this.#client.close(Http2ErrorCode.EnhanceYourCalm);
  }

  /** node:http2 ends a stream before it closes it, also when it was reset. */
  #onClientEnd(): void {
    const { aborted, rstCode } = this.#client;
    if (!aborted && rstCode === Http2ErrorCode.NoError) this.#stream.sendEnd();
  }

  #onClientDrain(): void {
    this.#touch();
    this.#sink.drained();
  }

  #onClientClose(): void {
    this.#context.deadlines.forget(this);
    this.#hold.release();
    this.#stream.reset(ResetCode.Cancelled);
  }

  #touch(): void {
    this.deadline = coarseNow() + this.#idleMs;
  }
}
