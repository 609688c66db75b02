import { checkPartialAnswer, findHeadEnd, Http1Error, readResponseHead } from '@culvert/http1';
import type { HeadLimits, RequestHead, ResponseHead } from '@culvert/http1';
import { coarseNow } from '@culvert/lifecycle';
import type { LinkStream, StreamConsumer } from '@culvert/link';
import { ResetCode } from '@culvert/wire';
import type { AgentCounters } from '../counters.ts';
import { AnswerBody } from './answer-body.ts';
import { agreesToUpgrade, finalHead, interimHead, switchingHead } from './answer-head.ts';
import type { ConnectionUser, UpstreamConnection } from './connection.ts';
import { IDLE_MS } from './idle.ts';
import type { UpstreamPool } from './pool.ts';
import { leads, type Redirects } from './redirects.ts';
import { RawRelay } from './raw-relay.ts';
import { RequestBody } from './request-body.ts';

/** Interim answers that an upstream may give to one request. */
export const MAX_INTERIM_ANSWERS = 32;
const NOTHING = Buffer.alloc(0);
/** RFC 9110 §9.2.2. */
export const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/** What all exchanges of an agent share. */
export interface ExchangeParts {
  readonly counters: AgentCounters;
  /** Of an answer's head. */
  readonly limits: HeadLimits;
  /** For an answer to begin, from the end of the request; ms. */
  readonly firstByteTimeout: number;
  /** Given to the service in place of the client's Host; absent: the client's. */
  readonly host?: string | undefined;
  /** Absent: passed on as they are. */
  readonly redirects?: Redirects | undefined;
}

/** One request on its way to a service and the answer on its way back. */
export class HttpExchange implements StreamConsumer, ConnectionUser {
  readonly #stream: LinkStream;
  readonly #request: RequestHead;
  readonly #head: string;
  readonly #pool: UpstreamPool;
  readonly #parts: ExchangeParts;
  /** Whom connections are for; absent: anybody. */
  readonly #client: string | undefined;
  /** Absent once the answer has been passed on or the exchange has failed. */
  #connection: UpstreamConnection | undefined;
  /** Absent when the request has no body. */
  #requestBody: RequestBody | undefined;
  /** Absent until a final head has come whose body goes on after it. */
  #answerBody: AnswerBody | undefined;
  /** The beginning of an answer's head. */
  #partial: Buffer | undefined;
  #interimAnswers = 0;
  #keepsAlive = false;
  /** Whether the request was sent on a connection that may have been closed by then. */
  #mayRepeat = false;
  /** What came for an upgrade before the upstream has agreed; bounded by the stream's window. */
  #early: Buffer[] | undefined;
  #streamEnded = false;

  /**
   * @param head the request's head as text; `request` is what it means
   * @param client whom the connection must be for; absent: anybody
   */
  constructor(
    stream: LinkStream,
    request: RequestHead,
    head: string,
    pool: UpstreamPool,
    parts: ExchangeParts,
    client: string | undefined,
  ) {
    this.#stream = stream;
    this.#request = request;
    this.#head = head;
    this.#pool = pool;
    this.#parts = parts;
    this.#client = client;
    parts.counters.requests++;
    parts.counters.requestsOpen++;
  }

  /** Sends the request's head, or lets it wait for the first bytes of the body. */
  begin(): void {
    const { method, contentLength } = this.#request;
    const idempotent = IDEMPOTENT.has(method);
    const connection = this.#pool.take(this, idempotent ? 'any' : 'fresh', this.#client);
    this.#connection = connection;
    this.#mayRepeat = idempotent && connection.reused;
    if (this.#request.body === 'none' || contentLength === 0) {
      connection.socket.write(this.#head, 'latin1');
    } else {
      const options = {
        stream: this.#stream,
        head: this.#head,
        length: contentLength,
        repeatable: this.#mayRepeat,
      };
      this.#requestBody = new RequestBody(connection.socket, options);
    }
    this.#await();
  }

  // ConnectionUser

  onConnected(): void {
    this.#await();
  }

  onRead(bytes: number, buffer: Buffer): boolean {
    try {
      const flows =
        this.#answerBody === undefined ? this.#readHead(buffer, bytes) : this.#readBody(buffer, 0, bytes);
      // Whoever has the connection next reads on, also when the stream holds something back.
      return flows || this.#connection === undefined;
    } catch (error) {
      if (!(error instanceof Http1Error)) throw error;
      this.#fail(ResetCode.UpstreamProtocol, error.reason);
      return false;
    }
  }

  onWritable(): void {
    this.#requestBody?.drained();
    this.#await();
  }

  onUpstreamEnd(): void {
    if (this.#answerBody?.endsWithConnection !== true) return this.#lost('connection closed');
    this.#answerBody.end();
    this.#finish('close');
  }

  onLost(reason: string): void {
    this.#lost(reason);
  }

  onDeadline(): void {
    this.#fail(
      ResetCode.UpstreamTimeout,
      this.#answerBody ? 'nothing moved for too long' : 'no answer in time',
    );
  }

  // StreamConsumer

  onAccept(): void {}

  onHead(): void {
    this.#fail(ResetCode.Protocol, 'head on a request');
  }

  onData(buffer: Buffer, start: number, end: number): void {
    // After the answer nobody wants the rest of the request; its sender must still get rid of it.
    if (this.#connection === undefined) return this.#stream.taken(end - start);
    if (this.#requestBody === undefined) return this.#keepEarly(buffer, start, end);
    this.#await();
    if (!this.#requestBody.write(buffer, start, end))
      this.#fail(ResetCode.Protocol, 'body longer than announced');
  }

  onTrailers(fields: string): void {
    this.#endRequest(fields);
  }

  onEnd(): void {
    this.#streamEnded = true;
    this.#endRequest('');
  }

  onReset(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    connection.destroy();
    this.#close();
  }

  onDrain(): void {
    this.#connection?.socket.resume();
  }

  onUnacknowledged(): void {}

  // The request

  #endRequest(trailers: string): void {
    if (this.#connection === undefined || this.#requestBody === undefined) return;
    if (!this.#requestBody.end(trailers))
      return this.#fail(ResetCode.Protocol, 'body shorter than announced');
    this.#await();
  }

  #keepEarly(buffer: Buffer, start: number, end: number): void {
    if (this.#request.upgrade === undefined)
      return this.#fail(ResetCode.Protocol, 'body that was not announced');
    this.#early ??= [];
    this.#early.push(Buffer.from(buffer.subarray(start, end)));
  }

  get #requestSent(): boolean {
    return this.#requestBody === undefined || this.#requestBody.done;
  }

  /** Something has moved: from now on the time for what comes next counts. A connection in the making has its own. */
  #await(): void {
    const connection = this.#connection;
    if (connection?.established !== true) return;
    const answering = this.#answerBody !== undefined || !this.#requestSent;
    connection.deadline = coarseNow() + (answering ? IDLE_MS : this.#parts.firstByteTimeout);
  }

  // The answer

  /** Returns false when the stream holds something back. */
  #readHead(read: Buffer, bytes: number): boolean {
    let buffer = read;
    let end = bytes;
    let searchFrom = 0;
    if (this.#partial !== undefined) {
      searchFrom = Math.max(0, this.#partial.length - 3);
      buffer = Buffer.concat([this.#partial, read.subarray(0, bytes)]);
      end = buffer.length;
      this.#partial = undefined;
    }
    let start = 0;
    for (;;) {
      const headEnd = findHeadEnd(buffer, searchFrom, end);
      if (headEnd === -1) {
        checkPartialAnswer(buffer, start, searchFrom, end);
        return this.#keepPartial(buffer, start, end);
      }
      const answer = readResponseHead(buffer, start, headEnd, this.#request.method, this.#parts.limits);
      if (answer.status >= 200) return this.#onAnswer(answer, buffer, headEnd, end);
      if (answer.status === 101) return this.#switch(answer, buffer, headEnd, end);
      this.#onInterim(answer);
      if (headEnd === end) return true;
      start = headEnd;
      searchFrom = headEnd;
    }
  }

  #keepPartial(buffer: Buffer, start: number, end: number): boolean {
    if (end - start > this.#parts.limits.headBytes)
      throw new Http1Error('upstream_protocol', 'head too large');
    this.#partial = Buffer.from(buffer.subarray(start, end));
    return true;
  }

  #onInterim(answer: ResponseHead): void {
    this.#interimAnswers++;
    if (this.#interimAnswers > MAX_INTERIM_ANSWERS) {
      throw new Http1Error('upstream_protocol', 'too many interim responses');
    }
    this.#await();
    this.#stream.sendHead(interimHead(answer), NOTHING, 0, 0, false);
  }

  #onAnswer(answer: ResponseHead, buffer: Buffer, start: number, end: number): boolean {
    this.#keepsAlive = answer.keepAlive;
    const length = answer.body === 'none' ? 0 : answer.body === 'length' ? answer.contentLength : Infinity;
    if (length <= end - start) {
      // The common case: all of it is here, so one frame carries the whole answer.
      const flows = this.#stream.sendHead(this.#finalHead(answer), buffer, start, start + length, true);
      this.#finish(start + length < end ? 'close' : 'keep');
      return flows;
    }
    this.#answerBody = new AnswerBody(this.#stream, answer, this.#finalHead(answer));
    return this.#readBody(buffer, start, end);
  }

  #finalHead(answer: ResponseHead): string {
    const { redirects } = this.#parts;
    if (redirects === undefined || !leads(answer.status)) return finalHead(answer);
    return finalHead(redirects.checked(answer, this.#request));
  }

  #readBody(buffer: Buffer, start: number, end: number): boolean {
    const body = this.#answerBody!;
    const to = body.receive(buffer, start, end);
    if (body.done) this.#finish(to < end ? 'close' : 'keep');
    else this.#await();
    return body.flows;
  }

  /** From here on both directions are raw bytes, also those that came along with the head. */
  #switch(answer: ResponseHead, buffer: Buffer, start: number, end: number): boolean {
    const connection = this.#connection!;
    if (!agreesToUpgrade(this.#request.upgrade, answer)) {
      throw new Http1Error('upstream_protocol', 'switched to a protocol that was not asked for');
    }
    const { counters } = this.#parts;
    counters.upgrades++;
    const flows = this.#stream.sendHead(switchingHead(answer), buffer, start, end, false);
    const relay = new RawRelay(this.#stream, counters);
    this.#stream.consumer = relay;
    connection.hand(relay);
    relay.begin(connection);
    for (const early of this.#early ?? []) relay.onData(early, 0, early.length);
    if (this.#streamEnded) relay.onEnd();
    if (!flows) connection.socket.pause();
    this.#close();
    return true;
  }

  /** The answer was passed on. A connection whose request was not, or on which more came, is of no use any more. */
  #finish(wish: 'keep' | 'close'): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    const reusable = this.#requestSent && this.#keepsAlive && connection.socket.writableLength === 0;
    if (wish === 'keep' && reusable) this.#pool.release(connection);
    else connection.destroy();
    // What was held back of the rest of the request is not: its sender goes on until its end.
    if (!this.#requestSent) this.#requestBody?.drained();
    this.#close();
  }

  // Failures

  #lost(reason: string): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    if (this.#canRepeat(connection)) return this.#repeat(connection);
    const code = connection.established ? ResetCode.UpstreamLost : ResetCode.NotDelivered;
    this.#fail(code, reason);
  }

  /** A kept-alive connection may be closed by its upstream at any time, also at that of our request. */
  #canRepeat(connection: UpstreamConnection): boolean {
    const answered =
      this.#answerBody !== undefined || this.#partial !== undefined || this.#interimAnswers > 0;
    if (answered || !this.#mayRepeat || !connection.reused) return false;
    return this.#requestBody === undefined || this.#requestBody.repeatable;
  }

  #repeat(lost: UpstreamConnection): void {
    lost.destroy();
    this.#mayRepeat = false;
    this.#parts.counters.repeats++;
    const connection = this.#pool.connect(this, this.#client);
    this.#connection = connection;
    if (this.#requestBody === undefined) connection.socket.write(this.#head, 'latin1');
    else this.#requestBody.sendAgain(connection.socket);
  }

  #fail(code: ResetCode, reason: string): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    connection.destroy();
    this.#parts.counters.countReset(code);
    this.#close();
    this.#stream.reset(code, reason);
  }

  #close(): void {
    this.#connection = undefined;
    this.#parts.counters.requestsOpen--;
  }
}
