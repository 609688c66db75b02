import type { ClientHttp2Stream } from 'node:http2';
import { Http1Error, readTrailers } from '@culvert/http1';
import type { RequestHead, ResponseHead } from '@culvert/http1';
import { Deadlined, coarseNow, type Deadlines } from '@culvert/lifecycle';
import type { LinkStream, StreamConsumer } from '@culvert/link';
import { ResetCode } from '@culvert/wire';
import { StatusAnswer } from '../streams/status-answer.ts';
import { finalHead, interimHead } from './answer-head.ts';
import type { Http2Connection } from './http2-connection.ts';
import { connectFields, http2Fields, linesOf, readHttp2Answer, trailerFields } from './http2-head.ts';
import type { Http2Pool, Http2User } from './http2-pool.ts';
import { relayTunnel, webSocketHead } from './http2-tunnel.ts';
import { Http2RequestBody } from './http2-request-body.ts';
import { IDEMPOTENT, MAX_INTERIM_ANSWERS, type ExchangeParts } from './http-exchange.ts';
import { IDLE_MS } from './idle.ts';
import { leads } from './redirects.ts';

const NOTHING = Buffer.alloc(0);
/** Codes and flags of RFC 9113, so that node:http2 need not be loaded for them. */
const END_STREAM = 0x1;
const PROTOCOL_ERROR = 0x1;
const REFUSED_STREAM = 0x7;
const CANCEL = 0x8;

/** To an upgrade where the service cannot be asked for one. */
const NO_UPGRADE = new StatusAnswer(501);

export interface Http2ExchangeParts extends ExchangeParts {
  readonly deadlines: Deadlines;
}

/** One request on its way to a service that speaks HTTP/2, and the answer on its way back. */
export class Http2Exchange extends Deadlined implements StreamConsumer, Http2User {
  readonly #stream: LinkStream;
  readonly #request: RequestHead;
  readonly #fields: readonly string[];
  readonly #pool: Http2Pool;
  readonly #parts: Http2ExchangeParts;
  readonly #body: Http2RequestBody;
  /** A gRPC call brings a deadline of its own, and a stream of answers may well begin with silence. */
  readonly #isCall: boolean;
  /** Of the stream at the upstream; both absent while waiting for a connection and in the end. */
  #connection: Http2Connection | undefined;
  #upstream: ClientHttp2Stream | undefined;
  #interimAnswers = 0;
  #answered = false;
  /** Bytes of an announced length that are still to come; Infinity when none was announced. */
  #left = Infinity;
  /** Whether the upstream has ended its direction, and not just the stream. */
  #ended = false;
  #trailers = '';
  #mayRepeat = true;
  /** What came for an upgrade before the upstream has agreed; bounded by the stream's window. */
  #early: Buffer[] | undefined;
  #over = false;

  /** @param head the request's head as text; `request` is what it means */
  constructor(
    stream: LinkStream,
    request: RequestHead,
    head: string,
    pool: Http2Pool,
    parts: Http2ExchangeParts,
  ) {
    super();
    this.#stream = stream;
    this.#request = request;
    const scheme = pool.secure ? 'https' : 'http';
    const upgrades = request.upgrade !== undefined;
    this.#fields = upgrades ? connectFields(request, head, scheme) : http2Fields(request, head, scheme);
    this.#pool = pool;
    this.#parts = parts;
    this.#body = new Http2RequestBody(stream, request);
    this.#isCall = isCall(request);
    parts.counters.requests++;
    parts.counters.requestsOpen++;
  }

  /**
   * A request with a body is opened when the turn is over: all of a short one has come by then, and goes out with its end
   * in one frame, without waiting for trailers.
   */
  begin(): void {
    this.#parts.deadlines.watch(this);
    if (this.#body.bodiless) return this.#wait();
    this.deadline = coarseNow() + this.#pool.connectTimeout;
    this.#pool.takeLater(this);
  }

  #wait(): void {
    this.deadline = coarseNow() + this.#pool.connectTimeout;
    this.#pool.take(this);
  }

  // Http2User

  onConnection(connection: Http2Connection): void {
    const { bodiless, mayHaveTrailers } = this.#body;
    const upgrades = this.#request.upgrade !== undefined;
    if (upgrades && !connection.takesConnect) return this.#declineUpgrade();
    const endStream = bodiless && !upgrades;
    const upstream = connection.open(this.#fields, { endStream, waitForTrailers: mayHaveTrailers });
    this.#connection = connection;
    this.#upstream = upstream;
    this.#listen(upstream, connection);
    if (mayHaveTrailers) {
      upstream.on('wantTrailers', () => {
        if (!upstream.closed) upstream.sendTrailers(this.#body.trailers ?? {});
      });
    }
    this.#body.begin(upstream);
    this.#await();
  }

  onUnreachable(reason: string): void {
    this.#fail(ResetCode.NotDelivered, reason);
  }

  onDeadline(): void {
    if (this.#upstream === undefined) return this.#fail(ResetCode.NotDelivered, 'no connection in time');
    const reason = this.#answered ? 'nothing moved for too long' : 'no answer in time';
    this.#fail(ResetCode.UpstreamTimeout, reason);
  }

  // StreamConsumer

  onAccept(): void {}

  onHead(): void {
    this.#fail(ResetCode.Protocol, 'head on a request');
  }

  onData(buffer: Buffer, start: number, end: number): void {
    // After the answer nobody wants the rest of the request; its sender must still get rid of it.
    if (this.#over) return this.#stream.taken(end - start);
    if (this.#request.upgrade !== undefined) return this.#keepEarly(buffer, start, end);
    if (!this.#body.write(buffer, start, end))
      return this.#fail(ResetCode.Protocol, 'body longer than announced');
    this.#await();
  }

  onTrailers(lines: string): void {
    if (this.#over) return;
    try {
      this.#body.trailers = trailerFields(readTrailers(`${lines}\r\n`, this.#parts.limits));
    } catch (error) {
      if (!(error instanceof Http1Error)) throw error;
      this.#fail(ResetCode.Protocol, error.reason);
    }
  }

  onEnd(): void {
    if (this.#over) return;
    if (!this.#body.end()) return this.#fail(ResetCode.Protocol, 'body shorter than announced');
    this.#await();
  }

  onReset(): void {
    if (this.#over) return;
    const upstream = this.#upstream;
    this.#close();
    upstream?.close(CANCEL);
  }

  onDrain(): void {
    this.#upstream?.resume();
  }

  onUnacknowledged(): void {}

  // The answer

  #listen(upstream: ClientHttp2Stream, connection: Http2Connection): void {
    upstream.on('headers', (headers, _flags, fields) => {
      if (this.#upstream === upstream) this.#onInterim(headers[':status'] ?? 0, fields);
    });
    upstream.on('response', (headers, flags, fields) => {
      if (this.#upstream === upstream)
        this.#onAnswer(headers[':status'] ?? 0, fields, (flags & END_STREAM) !== 0);
    });
    upstream.on('trailers', (_headers, _flags, fields) => {
      if (this.#upstream === upstream) this.#onTrailers(fields);
    });
    upstream.on('drain', () => this.#upstream === upstream && this.#body.drained());
    // What is wrong is looked at when it has closed.
    upstream.on('error', () => undefined);
    upstream.on('close', () => {
      if (this.#upstream === upstream) this.#onClosed(upstream, connection);
      connection.released();
    });
    watchEnd(upstream, () => {
      if (this.#upstream === upstream) this.#onUpstreamEnd(upstream);
    });
  }

  #onInterim(status: number, fields: readonly string[]): void {
    this.#interimAnswers++;
    if (this.#interimAnswers > MAX_INTERIM_ANSWERS) {
      return this.#fail(ResetCode.UpstreamProtocol, 'too many interim responses');
    }
    this.#read(() => {
      const answer = readHttp2Answer(status, fields, this.#request.method, this.#parts.limits);
      if (answer.status === 101) throw new Http1Error('upstream_protocol', 'switched in HTTP/2');
      this.#await();
      this.#stream.sendHead(interimHead(answer), NOTHING, 0, 0, false);
    });
  }

  #onAnswer(status: number, fields: readonly string[], last: boolean): void {
    this.#read(() => {
      const answer = readHttp2Answer(status, fields, this.#request.method, this.#parts.limits);
      if (this.#request.upgrade !== undefined && isSuccess(answer.status) && !last)
        return this.#switch(answer);
      if (answer.status < 200) throw new Http1Error('upstream_protocol', 'interim answer as the last');
      this.#answered = true;
      this.#body.forget();
      const bodiless = answer.body === 'none';
      if (answer.body === 'length') this.#left = answer.contentLength;
      if (last && answer.body === 'length' && this.#left > 0)
        throw new Http1Error('upstream_protocol', 'body shorter than announced');
      this.#stream.sendHead(this.#finalHead(answer), NOTHING, 0, 0, last || bodiless);
      if (last || bodiless) this.#finish();
      else this.#readBody(this.#upstream!);
    });
  }

  // An upgrade

  #keepEarly(buffer: Buffer, start: number, end: number): void {
    this.#early ??= [];
    this.#early.push(Buffer.from(buffer.subarray(start, end)));
  }

  #declineUpgrade(): void {
    this.#close();
    this.#stream.consumer = NO_UPGRADE.begin(this.#stream, this.#request);
  }

  /** From here on both directions are raw bytes. */
  #switch(answer: ResponseHead): void {
    const upstream = this.#upstream!;
    const { counters, deadlines } = this.#parts;
    counters.upgrades++;
    this.#stream.sendHead(webSocketHead(answer, this.#request), NOTHING, 0, 0, false);
    const ended = this.#body.ended && this.#stream.ended;
    this.#close();
    relayTunnel({ stream: this.#stream, upstream, counters, deadlines, early: this.#early ?? [], ended });
  }

  #finalHead(answer: ResponseHead): string {
    const { redirects } = this.#parts;
    if (redirects === undefined || !leads(answer.status)) return finalHead(answer);
    return finalHead(redirects.checked(answer, this.#request));
  }

  #readBody(upstream: ClientHttp2Stream): void {
    this.#await();
    upstream.on('data', (bytes: Buffer) => {
      if (this.#upstream !== upstream) return;
      this.#await();
      this.#left -= bytes.length;
      const flows = this.#stream.sendData(bytes, 0, bytes.length, false);
      if (!flows && !this.#ended) upstream.pause();
    });
    upstream.on('end', () => {
      if (this.#upstream === upstream && this.#complete) this.#endAnswer();
    });
  }

  /** Some servers, Node's among them, at times reset a stream with NO_ERROR in place of ending it. */
  get #complete(): boolean {
    return this.#ended || this.#left === 0;
  }

  /**
   * No more comes, so what waits here is handed over, less than a window: with its connection it would be lost, and the
   * upstream may close that now.
   */
  #onUpstreamEnd(upstream: ClientHttp2Stream): void {
    this.#ended = true;
    if (this.#answered) upstream.resume();
  }

  #endAnswer(): void {
    if (this.#trailers === '') this.#stream.sendEnd();
    else this.#stream.sendTrailers(this.#trailers);
    this.#finish();
  }

  /** They go behind the body, of which not everything may have been read yet. */
  #onTrailers(fields: readonly string[]): void {
    this.#read(() => (this.#trailers = readTrailers(`${linesOf(fields)}\r\n`, this.#parts.limits)));
  }

  #read(take: () => void): void {
    try {
      take();
    } catch (error) {
      if (!(error instanceof Http1Error)) throw error;
      this.#fail(ResetCode.UpstreamProtocol, error.reason);
    }
  }

  /** Something has moved: from now on the time for what comes next counts. */
  #await(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    const now = coarseNow();
    if (this.#answered) connection.heardAt = now;
    const patient = this.#answered || !this.#body.ended || this.#isCall;
    this.deadline = now + (patient ? IDLE_MS : this.#parts.firstByteTimeout);
  }

  // Ends

  /** The answer was passed on; the rest of a request that the upstream does not want is not. */
  #finish(): void {
    const upstream = this.#upstream!;
    const complete = this.#body.ended;
    this.#body.drained();
    this.#close();
    // Reads on to the end, so that the stream can close.
    if (complete && this.#ended) upstream.resume();
    else upstream.close(CANCEL);
  }

  /** The stream is gone before its answer was complete. */
  #onClosed(upstream: ClientHttp2Stream, connection: Http2Connection): void {
    // Closed before it told its end, with everything read.
    if (this.#answered && this.#complete && upstream.readableLength === 0) return this.#endAnswer();
    const code = upstream.rstCode;
    const untouched = code === REFUSED_STREAM || (upstream.id ?? Infinity) > connection.lastStreamId;
    this.#connection = undefined;
    this.#upstream = undefined;
    if (this.#canRepeat(untouched, connection)) return this.#repeat();
    if (untouched && !this.#answered) return this.#fail(ResetCode.NotDelivered, 'refused');
    const protocol = code === PROTOCOL_ERROR;
    this.#fail(protocol ? ResetCode.UpstreamProtocol : ResetCode.UpstreamLost, connection.reason);
  }

  /** What the upstream has not looked at may go out again, and once what does no harm twice. */
  #canRepeat(untouched: boolean, connection: Http2Connection): boolean {
    if (this.#answered || this.#interimAnswers > 0 || !this.#mayRepeat || !this.#body.repeatable)
      return false;
    return untouched || (connection.lost && connection.reused && IDEMPOTENT.has(this.#request.method));
  }

  #repeat(): void {
    this.#mayRepeat = false;
    this.#ended = false;
    this.#parts.counters.repeats++;
    this.#wait();
  }

  #fail(code: ResetCode, reason: string): void {
    if (this.#over) return;
    const upstream = this.#upstream;
    this.#parts.counters.countReset(code);
    this.#close();
    upstream?.close(CANCEL);
    this.#stream.reset(code, reason);
  }

  #close(): void {
    this.#over = true;
    this.#connection = undefined;
    this.#upstream = undefined;
    this.deadline = Infinity;
    this.#pool.forget(this);
    this.#parts.deadlines.forget(this);
    this.#parts.counters.requestsOpen--;
  }
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

function isCall({ fields }: RequestHead): boolean {
  return /^content-type:[\t ]*application\/grpc/im.test(fields);
}

/**
 * Node tells the proper end of a body and a reset with NO_ERROR the same way, by pushing the end. Only the former
 * comes while the stream is open: the latter must not pass for it.
 */
function watchEnd(upstream: ClientHttp2Stream, onEnd: () => void): void {
  const push = upstream.push.bind(upstream);
  upstream.push = (chunk: Buffer | null, encoding?: BufferEncoding) => {
    if (chunk === null && !upstream.closed) onEnd();
    return push(chunk, encoding);
  };
}
