import { Http1Error, getField, readResponseHead, readTrailers } from '@culvert/http1';
import type { RequestHead, ResponseHead } from '@culvert/http1';
import type { Link, LinkStream } from '@culvert/link';
import { Protocol, ResetCode, isUndelivered } from '@culvert/wire';
import { Delivery, refusalFor } from './delivery.ts';
import type { Caller, Way } from './delivery.ts';
import { forwardedHead } from './forwarded-head.ts';
import type { Http1Connection } from './http1-connection.ts';
import { refusalResponse } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { RequestBody } from './request-body.ts';
import { newRequestId } from './request-id.ts';
import { ResponseWriter } from './response-writer.ts';

/** Methods that may be sent again when nobody knows whether they were delivered (RFC 9110 §9.2.2). */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);
/** The way to the agent broke, here or behind another edge: what the agent got is unknown. */
const isAgentLost = (code: number): boolean => code === ResetCode.LinkLost || code === ResetCode.AgentLost;
/** Interim responses that one request may have. */
const MAX_INTERIM = 32;
const NOTHING = Buffer.alloc(0);

/** One request and its response: from the client's connection to a stream and back. */
export class Exchange implements Caller {
  readonly head: RequestHead;
  stream: LinkStream | undefined;
  readonly #requestId = newRequestId();
  readonly #connection: Http1Connection;
  readonly #delivery: Delivery;
  readonly #body: RequestBody | undefined;
  /** There from the final response head on. */
  #writer: ResponseWriter | undefined;
  #interim = 0;
  #trailers = '';
  #over = false;

  constructor(connection: Http1Connection, head: RequestHead) {
    this.head = head;
    this.#connection = connection;
    this.#delivery = new Delivery(connection.context.ways, this);
    this.#body = RequestBody.of(head);
  }

  get hostname(): string {
    return this.head.hostname;
  }

  get path(): string {
    return this.head.path;
  }

  /** Whether the whole request has been read. */
  get requestDone(): boolean {
    return this.#body?.done ?? true;
  }

  /** Whether more may be read of the client now. */
  get wantsBody(): boolean {
    return this.requestDone || this.#body!.flows;
  }

  /** Looks for a way; what has been read of the body goes along with the opening frame. */
  start(): void {
    this.#connection.waitUpTo(this.#connection.context.timeouts.firstByte);
    this.#delivery.start();
  }

  /** Takes what belongs to the request's body and returns where that ends. Throws Http1Error. */
  takeBody(buffer: Buffer, start: number, end: number): number {
    const at = this.#body!.take(buffer, start, end);
    const { bodyIdle, firstByte } = this.#connection.context.timeouts;
    if (this.#writer === undefined) this.#connection.waitUpTo(this.requestDone ? firstByte : bodyIdle);
    return at;
  }

  onBadBody(refusal: Refusal): void {
    this.#delivery.cancel();
    this.stream?.reset(ResetCode.Cancelled, 'bad request body');
    if (this.#writer === undefined) this.onRefused(refusal);
    else this.#abort();
  }

  onClientGone(): void {
    if (this.#over) return;
    this.#over = true;
    const { counters } = this.#connection.context.ways;
    counters.requestsOpen--;
    counters.clientAborts++;
    this.#delivery.cancel();
    this.stream?.reset(ResetCode.Cancelled, 'client gone');
  }

  onClientDrain(): void {
    this.#writer?.drained();
    this.#waitForMore();
  }

  onTimeout(): void {
    const waitsForClient = !this.requestDone && (this.stream === undefined || this.#body!.flows);
    this.#delivery.cancel();
    this.stream?.reset(ResetCode.Cancelled, 'timeout');
    if (this.#writer !== undefined) return this.#abort();
    if (waitsForClient) {
      return this.onRefused({ code: 'request_timeout', reason: 'the request body did not arrive in time' });
    }
    this.onRefused({ code: 'upstream_timeout', reason: 'the service did not answer in time' });
  }

  // Caller

  openOn(link: Link, way: Way): LinkStream {
    const { client } = this.#connection;
    const head = forwardedHead(this.head, client, this.#requestId);
    const meta = { ...way, protocol: Protocol.Http, hostname: this.head.hostname, client: client.text, head };
    this.stream =
      this.#body === undefined
        ? link.open(meta, this, NOTHING, 0, 0, this.head.upgrade === undefined)
        : this.#body.open((bytes, last) => link.open(meta, this, bytes, 0, bytes.length, last));
    if (!this.requestDone && this.wantsBody) this.#connection.resumeReading();
    return this.stream;
  }

  onRefused(refusal: Refusal): void {
    if (this.#over) return;
    const { counters } = this.#connection.context.ways;
    const persists = this.head.keepAlive && this.requestDone;
    counters.countRefusal(refusal.code);
    this.#connection.socket.write(
      refusalResponse(refusal, {
        requestId: this.#requestId,
        accept: getField(this.head.fields, 'accept'),
        method: this.head.method,
        keepAlive: persists,
      }),
      'latin1',
    );
    this.#finish(persists);
  }

  // StreamConsumer

  onAccept(): void {}

  onHead(buffer: Buffer, start: number, headEnd: number, end: number, last: boolean): void {
    let head: ResponseHead;
    try {
      head = readResponseHead(
        buffer,
        start,
        headEnd,
        this.head.method,
        this.#connection.context.answerLimits,
      );
    } catch (error) {
      if (!(error instanceof Http1Error)) throw error;
      return this.#distrust(error.reason);
    }
    if (this.#writer !== undefined) return this.#distrust('second response');
    if (head.status === 101) return this.#upgrade(head, buffer, headEnd, end);
    if (!fits(head, end - headEnd, last)) return this.#distrust('another length than announced');
    if (head.status < 200) return this.#passInterim(head);
    this.#connection.context.ways.counters.countStatus(head.status);
    // The direction was left open for what follows an upgrade; there is none.
    if (this.head.upgrade !== undefined) this.stream!.sendEnd();
    const persists = this.head.keepAlive && this.requestDone && !this.#connection.context.draining;
    const body = { buffer, start: headEnd, end, whole: last };
    this.#writer = new ResponseWriter(this.#connection.socket, this.stream!, this.head, head, persists, body);
    if (!last) this.#waitForMore();
  }

  onData(buffer: Buffer, start: number, end: number): void {
    if (this.#writer === undefined) return this.#distrust('body before head');
    if (!this.#writer.data(buffer, start, end)) return this.#distrust('longer than announced');
    this.#waitForMore();
  }

  onTrailers(fields: string): void {
    if (fields === '') return;
    try {
      this.#trailers = readTrailers(`${fields}\r\n`, this.#connection.context.answerLimits);
    } catch (error) {
      if (!(error instanceof Http1Error)) throw error;
      this.#distrust(error.reason);
    }
  }

  onEnd(): void {
    if (this.#over) return;
    if (this.#writer === undefined) return this.#distrust('no final response');
    if (!this.#writer.end(this.#trailers)) return this.#abort();
    this.#finish(this.#writer.persists && this.requestDone);
  }

  onReset(code: number): void {
    if (this.#over) return;
    if (this.#writer !== undefined) return this.#abort();
    if (this.#mayRepeat(code)) this.#again(code, code === ResetCode.LinkLost ? 'link' : 'session');
    else this.onRefused(refusalFor(code));
  }

  onDrain(): void {
    if (!this.requestDone) this.#connection.resumeReading();
  }

  onUnacknowledged(): void {
    if (this.#writer !== undefined || !this.#mayRepeat(ResetCode.LinkLost) || !this.#delivery.hasAlternative)
      return;
    this.stream!.reset(ResetCode.Cancelled, 'not acknowledged in time');
    this.#again(ResetCode.LinkLost, 'session');
  }

  #again(code: number, failed: 'link' | 'session'): void {
    this.#body?.detach();
    this.#delivery.again(code, failed);
  }

  /** Nothing may be lost or done twice: see the failure rules in docs/protocol.md, section 7. */
  #mayRepeat(code: number): boolean {
    if (this.#interim > 0 || !(this.#body?.repeatable ?? true)) return false;
    return isUndelivered(code) || (isAgentLost(code) && IDEMPOTENT.has(this.head.method));
  }

  #passInterim(head: ResponseHead): void {
    this.#interim++;
    if (this.#interim > MAX_INTERIM) return this.#distrust('too many interim responses');
    if (this.head.minor === 0) return;
    this.#connection.socket.write(`HTTP/1.1 ${head.status} ${head.reason}\r\n${head.fields}\r\n`, 'latin1');
  }

  #upgrade(head: ResponseHead, buffer: Buffer, headEnd: number, end: number): void {
    const asked = this.head.upgrade?.toLowerCase().split(/\s*,\s*/) ?? [];
    if (head.upgrade === undefined || !asked.includes(head.upgrade.toLowerCase())) {
      return this.#distrust('switch to a protocol that was not asked for');
    }
    this.#over = true;
    this.#connection.context.ways.counters.countStatus(101);
    const fields = `Connection: Upgrade\r\nUpgrade: ${head.upgrade}\r\n`;
    this.#connection.socket.write(`HTTP/1.1 101 ${head.reason}\r\n${head.fields}${fields}\r\n`, 'latin1');
    this.#connection.upgrade(this);
    if (end > headEnd) this.stream!.consumer.onData(buffer, headEnd, end);
  }

  /** The deadline while the response is on its way: a client that does not read waits less than a quiet service may. */
  #waitForMore(): void {
    if (this.#over) return;
    const { bodyIdle, tunnelIdle } = this.#connection.context.timeouts;
    this.#connection.waitUpTo(this.#writer?.blocked === true ? bodyIdle : tunnelIdle);
  }

  /** The agent's side broke HTTP. */
  #distrust(reason: string): void {
    this.stream?.reset(ResetCode.Protocol, reason);
    if (this.#writer !== undefined) return this.#abort();
    this.onRefused(refusalFor(ResetCode.UpstreamProtocol));
  }

  #abort(): void {
    if (this.#over) return;
    this.#over = true;
    this.#connection.exchangeDone('abort');
  }

  #finish(persists: boolean): void {
    this.#over = true;
    // A response that came before the whole request: nobody reads the rest.
    if (!this.requestDone) this.stream?.reset(ResetCode.Cancelled, 'answered already');
    this.#connection.exchangeDone(persists ? 'persist' : 'close');
  }
}

/** Whether the bytes that came along with a head can be the beginning, or the whole, of the body it announces. */
function fits(head: ResponseHead, bytes: number, whole: boolean): boolean {
  if (head.body === 'none') return bytes === 0;
  if (head.body !== 'length') return true;
  return whole ? bytes === head.contentLength : bytes <= head.contentLength;
}
