import {
  Http1Error,
  checkPartialHead,
  findHeadEnd,
  headStart,
  isKnownMethod,
  readRequestHead,
  unendingHead,
} from '@culvert/http1';
import type { RequestHead, ResponseHead } from '@culvert/http1';
import { Deadlined, coarseNow } from '@culvert/lifecycle';
import type { StreamEnd } from '@culvert/link';
import { own } from '@culvert/socket';
import type { SocketOwner } from '@culvert/socket';
import type { Socket } from 'node:net';
import type { Client } from '../entry/client.ts';
import type { ClientSide, FirstBytes } from './client-side.ts';
import { withHsts } from '../entry/entry-rules.ts';
import { Exchange } from './exchange.ts';
import { HalfClose } from './half-close.ts';
import type { HttpContext } from './http-context.ts';
import { RawConnection } from '../raw/raw-connection.ts';
import { RawPipe } from '../raw/raw-pipe.ts';
import { answerText } from './own-answer.ts';
import type { OwnAnswer } from './own-answer.ts';
import { clientErrorCode, refusalAnswer, unknownRequest } from './refusal.ts';
import type { Refusal, RefusalCode } from './refusal.ts';
import { RequestBody } from './request-body.ts';
import { ResponseWriter } from './response-writer.ts';

/** Bytes of later requests that are read while one is being answered. */
const MAX_PIPELINED_BYTES = 65_536;
/** How long a client that has its answer may be silent before it is cut, ms: closing at once could lose it the answer. */
const LINGER_MS = 2_000;
/** The same for one that goes on: each of its bytes prolongs the time up to here. */
const MAX_LINGER_MS = 30_000;

/** For so long, ms, nothing more is read of a client that was refused for overload: it may not have been listening. */
const REST_MS = 1_000;

/** Requests of one connection that are answered at once; then others have their turn. */
const MAX_AT_A_TURN = 16;

const NOTHING = Buffer.alloc(0);

/** A client's HTTP/1.x connection: one request after the other, each routed on its own. */
export class Http1Connection extends Deadlined implements ClientSide, SocketOwner {
  readonly context: HttpContext;
  readonly socket: Socket;
  readonly client: Client;
  readonly #offersConnect: boolean;
  /** An unfinished head, or requests that wait for the one being answered. */
  #held: Buffer = NOTHING;
  /** How much of `#held` has been searched for the end of a head. */
  #searched = 0;
  #exchange: Exchange | undefined;
  /** There from the final response head on. */
  #writer: ResponseWriter | undefined;
  /** Whether another request may follow the response that is going out. */
  #persists = false;
  #closing = false;
  /** The next request waits: this one was refused for overload. */
  #resting = false;
  /** The next request waits until others have had their turn. */
  #yielding = false;
  /** Of a client that sends no more. */
  #halfClose: HalfClose | undefined;
  /** When a client that still sends is cut; 0 until its answer has gone out. */
  #lingerEnd = 0;
  /** Bytes that the client had taken when a deadline last passed. */
  #taken = 0;

  constructor(context: HttpContext, socket: Socket, client: Client, offersConnect = false) {
    super();
    this.#offersConnect = offersConnect;
    this.context = context;
    this.socket = socket;
    this.client = client;
    this.deadline = coarseNow() + context.timeouts.head;
    context.deadlines.watch(this);
    own(socket, this);
  }

  /** Whether no request is being answered. */
  get idle(): boolean {
    return this.#exchange === undefined;
  }

  onSocketRead(bytes: number, buffer: Buffer): boolean {
    if (this.#closing) return this.#discard();
    const exchange = this.#exchange;
    if (exchange !== undefined) return this.#readDuring(exchange, bytes, buffer);
    if (this.#held.length === 0) {
      this.#consume(buffer, 0, bytes);
    } else {
      const joined = Buffer.concat([this.#held, buffer.subarray(0, bytes)]);
      this.#held = NOTHING;
      this.#consume(joined, 0, joined.length);
    }
    return this.#exchange?.wantsBody ?? this.#takesRequests;
  }

  onSocketDrain(): void {
    this.#writer?.drained();
    if (this.#exchange !== undefined) this.#exchange.onClientDrain();
    else if (this.#takesRequests) this.#takeHeld();
  }

  /** Half a request will never be answered. */
  onSocketEnd(): void {
    const exchange = this.#exchange;
    if (this.#closing || (exchange === undefined && this.#held.length === 0)) this.socket.end();
    else if (exchange?.requestDone === false) this.socket.destroy();
    else this.#serveLast();
  }

  onSocketClose(): void {
    this.context.deadlines.forget(this);
    this.#halfClose?.stop();
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#writer = undefined;
    exchange?.onClientGone();
  }

  onDeadline(): void {
    if (this.#resting && !this.#closing) return this.#endRest();
    const { bodyIdle } = this.context.timeouts;
    const patience = this.#exchange?.patience(bodyIdle) ?? bodyIdle;
    if (patience > 0 && this.#clientTakes()) return this.waitUpTo(patience);
    this.deadline = Infinity;
    if (this.#exchange !== undefined) return this.#exchange.onTimeout();
    if (this.#closing || this.#held.length === 0) this.socket.destroy();
    else this.#reject('request_timeout', 'the request head did not arrive in time');
  }

  /** Closes now if idle, otherwise after the current response. */
  drain(): void {
    if (this.#exchange === undefined && this.#held.length === 0) this.#closeSoon();
  }

  /** What was written and has not gone out. */
  get unsentBytes(): number {
    return this.socket.writableLength;
  }

  // ClientSide

  readonly mustSwitch = false;
  /** gRPC is HTTP/2. */
  readonly keepsTime = false;

  get blocked(): boolean {
    return this.socket.writableNeedDrain;
  }

  waitUpTo(ms: number): void {
    this.deadline = coarseNow() + ms;
  }

  resumeReading(): void {
    this.socket.resume();
  }

  interim(head: ResponseHead): void {
    if (this.#exchange!.head.minor === 0) return;
    this.socket.write(`HTTP/1.1 ${head.status} ${head.reason}\r\n${head.fields}\r\n`, 'latin1');
  }

  begin(head: ResponseHead, stream: StreamEnd, first: FirstBytes): void {
    const exchange = this.#exchange!;
    const persists = exchange.head.keepAlive && exchange.requestDone && !this.#isLast;
    this.#writer = new ResponseWriter(this.socket, stream, exchange.head, head, persists, first);
    this.#persists = this.#writer.persists;
  }

  data(buffer: Buffer, start: number, end: number): boolean {
    return this.#writer!.data(buffer, start, end);
  }

  end(trailers: string): boolean {
    return this.#writer!.end(trailers);
  }

  answer(answer: OwnAnswer): void {
    const { head, requestDone } = this.#exchange!;
    this.#persists = head.keepAlive && requestDone;
    // A proxy's connection is for others as well, who were not told to wait.
    this.#resting = answer.rests === true && this.#persists && !this.client.peer.trusted;
    this.socket.write(answerText(answer, { method: head.method, keepAlive: this.#persists }), 'latin1');
  }

  /** The next request may be taken. */
  finish(requestDone: boolean): void {
    this.#forgetExchange();
    if (!this.#persists || !requestDone) return this.#closeSoon();
    if (this.#isLast && this.#held.length === 0) return this.#closeSoon();
    if (this.#resting) return this.#rest();
    this.waitUpTo(this.context.timeouts.idle);
    if (this.#held.length > 0) setImmediate(this.#takeHeld);
  }

  /** An HTTP/1.x client sees it by a reset alone: the end of a connection may be that of a response. */
  abort(): void {
    this.#forgetExchange();
    this.socket.resetAndDestroy();
  }

  upgrade(head: ResponseHead, stream: StreamEnd, idleMs: number): boolean {
    const fields = `Connection: Upgrade\r\nUpgrade: ${head.upgrade}\r\n`;
    this.socket.write(`HTTP/1.1 101 ${head.reason}\r\n${head.fields}${fields}\r\n`, 'latin1');
    this.context.deadlines.forget(this);
    this.#forgetExchange();
    const { deadlines } = this.context;
    const pipe = new RawPipe({ socket: this.socket, stream, deadlines, idleMs });
    pipe.begin(this.#held, this.#halfClose !== undefined);
    this.#halfClose?.stop();
    return true;
  }

  /** Not while it has to rest or it is others' turn, nor before it has taken the answers to those before. */
  get #takesRequests(): boolean {
    return !this.#resting && !this.#yielding && !this.socket.writableNeedDrain;
  }

  /** Whether no request is expected beyond those that have come. */
  get #isLast(): boolean {
    return this.context.draining || (this.#halfClose !== undefined && this.#held.length === 0);
  }

  #serveLast(): void {
    this.#halfClose = new HalfClose(this.socket, () => this.socket.destroy());
    setImmediate(this.#endIfIdle);
  }

  /** Requests that were held have had their turn by now; what is still held is none. */
  readonly #endIfIdle = (): void => {
    if (this.idle && !this.#yielding && !this.#closing && !this.socket.destroyed) this.#closeSoon();
  };

  #rest(): void {
    this.socket.pause();
    this.waitUpTo(REST_MS);
  }

  #endRest(): void {
    this.#resting = false;
    this.waitUpTo(this.context.timeouts.idle);
    this.#takeHeld();
  }

  #forgetExchange(): void {
    this.#exchange = undefined;
    this.#writer = undefined;
  }

  /** Ends the connection once what was written has gone out; what the client still sends is thrown away. */
  #closeSoon(): void {
    this.#closing = true;
    this.#held = NOTHING;
    this.waitUpTo(this.context.timeouts.bodyIdle);
    this.socket.end(() => {
      this.#lingerEnd = coarseNow() + MAX_LINGER_MS;
      this.waitUpTo(LINGER_MS);
    });
    this.socket.resume();
  }

  /** Reads on: a connection closed with bytes unread is reset, and the client loses what it has not yet read. */
  #discard(): true {
    if (this.#lingerEnd > 0) this.deadline = Math.min(coarseNow() + LINGER_MS, this.#lingerEnd);
    return true;
  }

  /** A raw stream to the hostname's `tcp://` rule (RFC 9110 §9.3.6); what came behind the head belongs to it. */
  #connect({ hostname }: RequestHead, first: Buffer): void {
    const { context, socket, client } = this;
    context.deadlines.forget(this);
    const asker = {
      onTaken: () => void socket.write('HTTP/1.1 200 Connection established\r\n\r\n', 'latin1'),
      onRefused: ({ code, reason }: Refusal) => {
        own(socket, this);
        context.deadlines.watch(this);
        this.#reject(code, reason);
      },
    };
    new RawConnection({ context, socket, client, hostname, first, asker }).start();
  }

  /** Answers something that is no request; the connection is of no use afterwards. */
  #reject(code: RefusalCode, reason: string): void {
    this.context.ways.counters.countRefusal(code);
    const answer = withHsts(refusalAnswer({ code, reason }, unknownRequest(this.context)), this.client.rules);
    this.socket.write(answerText(answer, { method: 'GET', keepAlive: false }), 'latin1');
    this.#closeSoon();
  }

  /** No answer either: whoever speaks another protocol, such as a broken HTTP/2, would misread it. */
  #dropGarbage(): void {
    this.context.ways.counters.garbage++;
    this.#closing = true;
    this.socket.destroy();
  }

  /** Whether something of what was written has gone out since the last look: slow is not stalled. */
  #clientTakes(): boolean {
    const taken = this.socket.bytesWritten - this.unsentBytes;
    const took = this.unsentBytes > 0 && taken > this.#taken;
    this.#taken = taken;
    return took;
  }

  /** Goes on with what was held, unless more was read in the meantime and it was taken along with that. */
  readonly #takeHeld = (): void => {
    const held = this.#held;
    if (!this.idle || this.#closing || this.socket.destroyed) return;
    this.#held = NOTHING;
    this.#yielding = false;
    if (held.length > 0) this.#consume(held, 0, held.length);
    if (this.#exchange?.wantsBody ?? this.#takesRequests) this.socket.resume();
    if (this.#halfClose !== undefined) this.#endIfIdle();
  };

  #readDuring(exchange: Exchange, bytes: number, buffer: Buffer): boolean {
    const at = exchange.requestDone ? 0 : this.#takeBody(exchange, buffer, 0, bytes);
    if (at < bytes && !this.#closing) this.#hold(buffer, at, bytes);
    return exchange.requestDone ? this.#held.length < MAX_PIPELINED_BYTES : exchange.wantsBody;
  }

  /** Takes requests until one has to be answered first or the bytes are used up. */
  #consume(buffer: Buffer, start: number, end: number): void {
    let at = start;
    let left = MAX_AT_A_TURN;
    while (at < end && this.#exchange === undefined && !this.#closing && this.#takesRequests) {
      const next = this.#takeRequest(buffer, at, end);
      if (next === -1) break;
      at = next;
      left--;
      if (left === 0 && at < end) this.#yield();
    }
    if (at < end && !this.#closing) this.#hold(buffer, at, end);
  }

  #yield(): void {
    if (this.#exchange !== undefined || this.#closing) return;
    this.#yielding = true;
    setImmediate(this.#takeHeld);
  }

  /** Returns where the request's bytes end so far, or -1 while its head is incomplete. */
  #takeRequest(buffer: Buffer, from: number, end: number): number {
    const start = headStart(buffer, from, end);
    const searched = from + this.#searched;
    const headEnd = findHeadEnd(buffer, Math.max(start, searched - 3), end);
    this.#searched = 0;
    try {
      if (headEnd === -1) return this.#awaitHead(buffer, { from, start, searched, end });
      const head = readRequestHead(buffer, start, headEnd, this.context.headLimits);
      return this.#begin(head, buffer, headEnd, end);
    } catch (error) {
      if (!(error instanceof Http1Error)) throw error;
      if (this.socket.bytesWritten === 0 && !isHttpLine(buffer, start, end)) this.#dropGarbage();
      else this.#reject(clientErrorCode(error), error.reason);
      return end;
    }
  }

  /** The time limit runs from the head's first byte: later ones do not prolong it. */
  #awaitHead(buffer: Buffer, at: { from: number; start: number; searched: number; end: number }): -1 {
    const { from, start, searched, end } = at;
    const limits = this.context.headLimits;
    if (end - start > limits.headBytes) throw unendingHead(buffer, start, end, limits);
    checkPartialHead(buffer, Math.max(start, searched - 1), end);
    if (searched === from) this.waitUpTo(this.context.timeouts.head);
    this.#searched = end - from;
    return -1;
  }

  #begin(head: RequestHead, buffer: Buffer, headEnd: number, end: number): number {
    if (head.method === 'CONNECT') {
      if (this.#offersConnect) this.#connect(head, Buffer.from(buffer.subarray(headEnd, end)));
      else this.#reject('not_implemented', 'CONNECT is not offered here');
      return end;
    }
    const exchange = new Exchange(this.context, this, head, RequestBody.of(head));
    this.#exchange = exchange;
    if (exchange.requestDone) {
      exchange.start();
      return headEnd;
    }
    const at = this.#takeBody(exchange, buffer, headEnd, end);
    if (!this.#closing) exchange.start();
    return at;
  }

  #takeBody(exchange: Exchange, buffer: Buffer, start: number, end: number): number {
    try {
      return exchange.takeBody(buffer, start, end);
    } catch (error) {
      if (!(error instanceof Http1Error)) throw error;
      exchange.onBadBody({ code: clientErrorCode(error), reason: error.reason });
      return end;
    }
  }

  #hold(buffer: Buffer, start: number, end: number): void {
    const bytes = buffer.subarray(start, end);
    this.#held = this.#held.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#held, bytes]);
  }
}

/** Whether whoever wrote the first line meant HTTP/1.x: it names the protocol, or a method that is known. */
function isHttpLine(buffer: Buffer, start: number, end: number): boolean {
  const feed = buffer.indexOf('\n', start, 'latin1');
  const line = buffer.toString('latin1', start, feed === -1 ? end : Math.min(feed, end));
  return /HTTP\//i.test(line) || isKnownMethod(line.split(/[\s\0]/, 1)[0]!);
}
