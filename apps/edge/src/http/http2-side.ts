import { Http1Error, getField } from '@culvert/http1';
import type { RequestHead, ResponseHead } from '@culvert/http1';
import { Deadlined, coarseNow } from '@culvert/lifecycle';
import type { StreamEnd } from '@culvert/link';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Client } from '../entry/client.ts';
import type { ClientSide, FirstBytes } from './client-side.ts';
import { Exchange } from './exchange.ts';
import type { HttpContext } from './http-context.ts';
import { Http2ErrorCode } from './http2-error-code.ts';
import { headersOf, readHttp2Trailers, responseFields, responseHeaders } from './http2-head.ts';
import { endByTrailers } from './http2-end.ts';
import { Http2Linger } from './http2-linger.ts';
import { Http2Pipe } from './http2-pipe.ts';
import { answerOn } from './http2-answer.ts';
import { Http2Sink } from './http2-sink.ts';
import type { OwnAnswer } from './own-answer.ts';
import { RequestBody } from './request-body.ts';
import { UnframedBody } from './unframed-body.ts';
import { UploadHold } from './upload-hold.ts';
import { webSocketAccept } from './websocket-key.ts';

const NOTHING = Buffer.alloc(0);
/** How a response ends. */
const WITH_HEAD = { endStream: true };
const WITH_DATA = { endStream: false };
const WITH_TRAILERS = { endStream: false, waitForTrailers: true };
/** Deadlines for one write to go out: at 60 s and 64 KiB each, a client that takes 110 bytes a second is not cut. */
const MAX_DOUBTS = 10;

export interface Http2SideOptions {
  readonly context: HttpContext;
  readonly client: Client;
  readonly stream: ServerHttp2Stream;
  readonly head: RequestHead;
  /** RFC 8441: the stream becomes a tunnel once the service has switched. */
  readonly tunnels: boolean;
  /** The Sec-WebSocket-Key that the service is sent, if one is. */
  readonly webSocketKey: string | undefined;
}

/** An HTTP/2 client's side of one exchange: one stream of its connection. */
export class Http2Side extends Deadlined implements ClientSide {
  readonly client: Client;
  readonly mustSwitch: boolean;
  readonly keepsTime: boolean;
  readonly #context: HttpContext;
  readonly #stream: ServerHttp2Stream;
  readonly #webSocketKey: string | undefined;
  readonly #exchange: Exchange;
  readonly #body: UnframedBody | undefined;
  readonly #hold: UploadHold;
  /** There from the final response head on. */
  #sink: Http2Sink | undefined;
  /** Bytes that a body of known length still lacks; -1 where the length is not known. */
  #left = -1;
  #bodiless = false;
  /** Whether it is listened for room on the stream: most responses never fill it. */
  #drains = false;
  #trailers = '';
  /** The stream has been given to a tunnel. */
  #handedOver = false;
  /** All of the response has been given to node:http2, or the edge has reset the stream. */
  #finished = false;
  /** Bytes that waited for the client when a deadline last passed. */
  #waiting = 0;
  /** What the connection had sent by then, in bytes. */
  #sent = 0;
  /** Deadlines that have passed without a sign that it was this stream's. */
  #doubts = 0;

  constructor(options: Http2SideOptions) {
    super();
    const { context, stream, head } = options;
    this.client = options.client;
    this.mustSwitch = options.tunnels;
    this.#context = context;
    this.#stream = stream;
    this.#webSocketKey = options.webSocketKey;
    this.#hold = new UploadHold(context.ways.memory);
    this.#body =
      head.body === 'none' || head.contentLength === 0 ? undefined : new UnframedBody(head.contentLength);
    // A call always has a body, be it an empty one.
    this.keepsTime =
      this.#body !== undefined &&
      getField(head.fields, 'content-type')?.startsWith('application/grpc') === true;
    const body = this.#body === undefined ? undefined : new RequestBody(this.#body);
    this.#exchange = new Exchange(context, this, head, body);
    context.deadlines.watch(this);
    stream.on('aborted', () => this.gone());
  }

  /** Whether the stream's end is the edge's doing, or that of a response which is whole. */
  get finished(): boolean {
    return this.#finished || this.#handedOver;
  }

  /** Looks for a way; what has arrived of the body goes along. */
  start(): void {
    const stream = this.#stream;
    if (this.#body !== undefined) {
      stream.on('data', (bytes: Buffer) => this.#takeBody(bytes));
      stream.on('trailers', (_: IncomingHttpHeaders, __: number, pairs: string[]) =>
        this.#takeTrailers(pairs),
      );
      stream.on('end', () => this.#endBody());
      stream.pause();
      while (stream.read() !== null);
    }
    if (this.#finished) return;
    this.#exchange.start();
    if (!this.#exchange.wantsBody || this.mustSwitch) this.#holdUpload();
  }

  onDeadline(): void {
    const { bodyIdle } = this.#context.timeouts;
    const patience = this.#finished ? bodyIdle : this.#exchange.patience(bodyIdle);
    if (patience > 0 && this.#clientTakes()) return this.waitUpTo(patience);
    this.deadline = Infinity;
    if (this.#finished) this.#stream.close(Http2ErrorCode.Cancel);
    else this.#exchange.onTimeout();
  }

  // ClientSide

  get blocked(): boolean {
    return this.#stream.writableNeedDrain;
  }

  waitUpTo(ms: number): void {
    this.deadline = coarseNow() + ms;
  }

  resumeReading(): void {
    this.#hold.release();
    if (!this.#stream.destroyed) this.#stream.resume();
  }

  interim(head: ResponseHead): void {
    if (this.#answerable) this.#stream.additionalHeaders(responseHeaders(head));
  }

  begin(head: ResponseHead, stream: StreamEnd, first: FirstBytes): void {
    if (!this.#answerable) return;
    const bytes = first.end - first.start;
    this.#sink = new Http2Sink(this.#stream, stream);
    this.#left = head.body === 'length' ? head.contentLength - bytes : -1;
    // RFC 9110 §15.3.6: 205 has no content, and node:http2 sends none.
    this.#bodiless = head.body === 'none' || head.status === 205;
    const endStream = this.#bodiless || (first.whole && bytes === 0);
    if (!endStream && !first.whole) endByTrailers(this.#stream, () => this.#trailers);
    this.#stream.respond(
      responseFields(head),
      endStream ? WITH_HEAD : first.whole ? WITH_DATA : WITH_TRAILERS,
    );
    if (!endStream) this.#write(first.buffer, first.start, first.end);
  }

  data(buffer: Buffer, start: number, end: number): boolean {
    if (end === start || this.#stream.destroyed || this.#stream.closed) return true;
    if (this.#bodiless) return false;
    if (this.#left !== -1) {
      if (end - start > this.#left) return false;
      this.#left -= end - start;
    }
    this.#write(buffer, start, end);
    return true;
  }

  end(trailers: string): boolean {
    if (this.#left > 0 && !this.#bodiless) return false;
    this.#trailers = trailers;
    if (!this.#stream.writableEnded) this.#stream.end();
    return true;
  }

  answer(answer: OwnAnswer): void {
    if (this.#answerable) answerOn(this.#stream, answer, this.#exchange.head.method);
  }

  finish(requestDone: boolean): void {
    this.#finished = true;
    this.#hold.release();
    this.waitUpTo(this.#context.timeouts.bodyIdle);
    const { deadlines } = this.#context;
    if ((!requestDone || this.mustSwitch) && !this.#stream.destroyed)
      new Http2Linger(this.#stream, deadlines);
  }

  abort(): void {
    this.#finished = true;
    this.#stream.close(Http2ErrorCode.InternalError);
  }

  upgrade(head: ResponseHead, stream: StreamEnd, idleMs: number): boolean {
    const headers = headersOf(head.fields);
    const accept = headers['sec-websocket-accept'];
    if (this.#webSocketKey !== undefined && accept !== webSocketAccept(this.#webSocketKey)) return false;
    delete headers['sec-websocket-accept'];
    headers[':status'] = 200;
    this.#handedOver = true;
    this.#hold.release();
    this.#context.deadlines.forget(this);
    const pipe = new Http2Pipe(this.#context, this.#stream, stream, idleMs);
    if (this.#answerable) this.#stream.respond(headers, { waitForTrailers: true });
    else pipe.onDeadline();
    return true;
  }

  /** A client that has gone is known to the exchange a moment later. */
  get #answerable(): boolean {
    return !this.#stream.destroyed && !this.#stream.closed && !this.#stream.headersSent;
  }

  #takeBody(bytes: Buffer): void {
    if (this.#finished) return;
    this.#exchange.takeBody(bytes, 0, bytes.length);
    if (this.#exchange.stream === undefined || this.#exchange.wantsBody) return;
    this.#stream.pause();
    this.#holdUpload();
  }

  #takeTrailers(pairs: string[]): void {
    if (this.#finished || this.#body!.done) return;
    try {
      this.#body!.end(readHttp2Trailers(pairs, this.#context.headLimits));
    } catch (error) {
      if (!(error instanceof Http1Error)) throw error;
      this.#exchange.onBadBody({ code: 'bad_request', reason: error.reason });
    }
  }

  #endBody(): void {
    if (this.#finished) return;
    if (!this.#body!.done) this.#body!.end('');
    this.#exchange.takeBody(NOTHING, 0, 0);
  }

  /** Nobody takes what the client sends: there must be room for what it may still send. */
  #holdUpload(): void {
    if (this.#finished || this.#handedOver || this.#hold.hold()) return;
    this.#exchange.onBadBody({ code: 'overloaded', reason: 'too many uploads wait at the moment' });
  }

  #write(buffer: Buffer, start: number, end: number): void {
    this.#sink?.write(buffer, start, end);
    if (this.#drains || !this.#stream.writableNeedDrain) return;
    this.#drains = true;
    this.#stream.on('drain', () => this.#onDrain());
  }

  #onDrain(): void {
    this.#sink?.drained();
    this.#exchange.onClientDrain();
  }

  /** The stream is closed, or about to be. */
  gone(): void {
    this.#context.deadlines.forget(this);
    this.#hold.release();
    if (!this.#handedOver) this.#exchange.onClientGone();
  }

  /**
   * Whether something of what was written has gone out since the last look: slow is not stalled. Of one large write that
   * is not known before all of it has gone; for a while the connection's bytes stand for it.
   */
  #clientTakes(): boolean {
    if (this.#stream.destroyed || this.#stream.bufferSize === 0) return false;
    const waiting = this.#stream.bufferSize;
    const sent = this.#stream.session?.socket.bytesWritten ?? 0;
    const took = waiting < this.#waiting;
    this.#doubts = took ? 0 : this.#doubts + 1;
    const moves = took || (sent > this.#sent && this.#doubts < MAX_DOUBTS);
    this.#waiting = waiting;
    this.#sent = sent;
    return moves;
  }
}
