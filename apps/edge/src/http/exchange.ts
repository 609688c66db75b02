import { Http1Error, addField, getField, readResponseHead, readTrailers } from '@culvert/http1';
import type { RequestHead, ResponseHead } from '@culvert/http1';
import { coarseNow } from '@culvert/lifecycle';
import type { Link, StreamEnd } from '@culvert/link';
import { Protocol, ResetCode, isUndelivered } from '@culvert/wire';
import type { OpenMeta } from '@culvert/wire';
import type { Client } from '../entry/client.ts';
import type { ClientSide } from './client-side.ts';
import { Delivery, refusalFor } from '../delivery/delivery.ts';
import type { Caller, Way } from '../delivery/delivery.ts';
import { httpsRedirect, withHsts } from '../entry/entry-rules.ts';
import type { EntryRules } from '../entry/entry-rules.ts';
import { forwardedHead } from './forwarded-head.ts';
import type { HttpContext, HttpTimeouts } from './http-context.ts';
import { OVERLOADED } from '../overload.ts';
import type { OwnAnswer } from './own-answer.ts';
import { PacedStream, waitsForItsTurn } from '../pace/paced-stream.ts';
import { AppliedPolicy } from '../policy/applied-policy.ts';
import type { Bandwidth, Policy } from '../policy/policy.ts';
import type { ReadyRoute } from '../delivery/ready-route.ts';
import { refusalAnswer } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import type { RequestBody } from './request-body.ts';
import { newRequestId, requestIdFrom } from './request-id.ts';

/** Methods that may be sent again when nobody knows whether they were delivered (RFC 9110 §9.2.2). */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);
/** The way to the agent broke, here or behind another edge: what the agent got is unknown. */
const isAgentLost = (code: number): boolean => code === ResetCode.LinkLost || code === ResetCode.AgentLost;
/** Interim responses that one request may have. */
const MAX_INTERIM = 32;
const NOTHING = Buffer.alloc(0);
const MISDIRECTED: Refusal = { code: 'misdirected', reason: 'this connection was made for another host' };
const TOO_LARGE: Refusal = { code: 'content_too_large', reason: 'the request body is larger than it may be' };

/**
 * One request and its response, from a client to a stream and back: where it is delivered, when it may be sent again,
 * what is believed of the answer. How the client is spoken to is its side's business.
 */
export class Exchange implements Caller {
  readonly head: RequestHead;
  /** Who asks: a trusted proxy may speak for somebody else with each request. */
  readonly client: Client;
  readonly requestId: string;
  stream: StreamEnd | undefined;
  readonly #context: HttpContext;
  readonly #side: ClientSide;
  readonly #delivery: Delivery;
  readonly #body: RequestBody | undefined;
  /** The final response has begun to go out. */
  #begun = false;
  #interim = 0;
  #trailers = '';
  #over = false;
  #timeouts: HttpTimeouts;
  /** On the coarse clock: the request is given up then, whatever it is about. */
  #until = Infinity;
  /** The route's, where it has one, and the head that it makes. */
  #policy: AppliedPolicy | undefined;
  #policyHead: string | undefined;
  #bandwidth: Bandwidth | undefined;

  /** @param body undefined for a request without one */
  constructor(context: HttpContext, side: ClientSide, head: RequestHead, body: RequestBody | undefined) {
    this.head = head;
    const { client } = side;
    const { trusted } = client.peer;
    this.client = trusted ? context.forwarding.clientBehind(client, head) : client;
    this.requestId = trusted ? requestIdFrom(head.requestId) : newRequestId();
    this.#context = context;
    this.#side = side;
    this.#delivery = new Delivery(context.ways, this);
    this.#body = body;
    this.#timeouts = context.timeouts;
    const { counters } = context.ways;
    counters.requests++;
    counters.requestsOpen++;
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
    const { overload, ways } = this.#context;
    const { requestsOpen } = ways.counters;
    if (requestsOpen > overload.watermark && overload.refuses(requestsOpen))
      return this.onRefused(OVERLOADED);
    const { rules } = this.client;
    if (rules !== undefined && !this.#obey(rules)) return;
    this.#limitTime(this.#context.timeouts);
    const { via } = this.head;
    if (via === undefined || !this.#context.forwarding.loops(via)) return this.#delivery.start();
    this.onRefused({ code: 'loop_detected', reason: 'the route leads back to where the request came from' });
  }

  /** Takes what belongs to the request's body and returns where that ends. Throws Http1Error. */
  takeBody(buffer: Buffer, start: number, end: number): number {
    const at = this.#body!.take(buffer, start, end);
    if (this.#body!.exceeded) this.onBadBody(TOO_LARGE);
    else if (!this.#begun) this.#waitForAnswer();
    return at;
  }

  onBadBody(refusal: Refusal): void {
    this.#delivery.cancel();
    this.stream?.reset(ResetCode.Cancelled, 'bad request body');
    if (this.#begun) this.#abort();
    else this.onRefused(refusal);
  }

  onClientGone(): void {
    if (this.#over) return;
    this.#close();
    this.#context.ways.counters.clientAborts++;
    this.#delivery.cancel();
    this.stream?.reset(ResetCode.Cancelled, 'client gone');
  }

  /** How much of `ms` is left to wait for the exchange, so that no more than its total time is used. */
  patience(ms: number): number {
    return this.#until === Infinity ? ms : Math.max(0, Math.min(ms, this.#until - coarseNow()));
  }

  /** The client has taken what was written. */
  onClientDrain(): void {
    if (this.#begun) this.#waitForMore();
  }

  onTimeout(): void {
    const overdue = this.patience(1) === 0;
    if (!overdue && waitsForItsTurn(this.stream)) return this.#wait(this.#timeouts.bodyIdle);
    const waitsForClient = !overdue && !this.requestDone && (this.stream === undefined || this.#body!.flows);
    this.#delivery.cancel();
    this.stream?.reset(ResetCode.Cancelled, 'timeout');
    if (this.#begun) return this.#abort();
    if (waitsForClient) {
      return this.onRefused({ code: 'request_timeout', reason: 'the request body did not arrive in time' });
    }
    if (!overdue) this.#delivery.failed(ResetCode.UpstreamTimeout);
    this.onRefused({ code: 'upstream_timeout', reason: 'the service did not answer in time' });
  }

  // Caller

  onRoute({ policy, tunnel, passesTls }: ReadyRoute): boolean {
    if (passesTls && this.client.rules?.terminates === true) {
      this.onRefused(MISDIRECTED);
      return false;
    }
    if (policy !== undefined && !this.#follow(policy, tunnel)) return false;
    if (this.#body === undefined) return true;
    this.#body.limit = policy?.maxBody ?? this.#context.bodySize;
    if (this.head.contentLength <= this.#body.limit && !this.#body.exceeded) return true;
    this.onRefused(TOO_LARGE);
    return false;
  }

  openOn(link: Link, way: Way): void {
    const { client } = this;
    const head = this.#policyHead ?? forwardedHead(this.head, client, this.requestId);
    const meta = { ...way, protocol: Protocol.Http, hostname: this.head.hostname, client: client.text, head };
    this.stream =
      this.#body === undefined
        ? this.#open(link, meta, NOTHING, this.head.upgrade === undefined)
        : this.#body.open((bytes, last) => this.#open(link, meta, bytes, last));
    if (!this.requestDone && this.wantsBody) this.#side.resumeReading();
  }

  onRefused(refusal: Refusal): void {
    if (this.#over) return;
    this.#context.ways.counters.countRefusal(refusal.code);
    const { requestId, hostname } = this;
    const accept = getField(this.head.fields, 'accept');
    const answer = refusalAnswer(refusal, { requestId, hostname, accept, pages: this.#context.errorPages });
    this.#answer(this.#policy?.onAnswer(answer) ?? answer);
  }

  // StreamConsumer

  onAccept(): void {}

  onHead(buffer: Buffer, start: number, headEnd: number, end: number, last: boolean): void {
    let head: ResponseHead;
    try {
      head = readResponseHead(buffer, start, headEnd, this.head.method, this.#context.headLimits);
    } catch (error) {
      if (!(error instanceof Http1Error)) throw error;
      return this.#distrust(error.reason);
    }
    if (this.#begun) return this.#distrust('second response');
    if (head.status === 101) return this.#upgrade(head, buffer, headEnd, end);
    if (!fits(head, end - headEnd, last)) return this.#distrust('another length than announced');
    if (head.status < 200) return this.#passInterim(head);
    if (this.head.upgrade !== undefined) {
      if (this.#side.mustSwitch && head.status < 300) return this.#distrust('success without the switch');
      // The direction was left open for what follows an upgrade; there is none.
      this.stream!.sendEnd();
    }
    let answer = this.#context.echoRequestId ? withRequestId(head, this.requestId) : head;
    if (this.#policy !== undefined) {
      const changed = this.#policy.responseHead(answer);
      if ('code' in changed) return this.#withhold(changed);
      answer = changed;
    }
    this.#context.ways.counters.countStatus(head.status);
    this.#delivery.answered();
    this.#begun = true;
    const told = withHsts(answer, this.client.rules);
    this.#side.begin(told, this.stream!, { buffer, start: headEnd, end, whole: last });
    if (!last) this.#waitForMore();
  }

  onData(buffer: Buffer, start: number, end: number): void {
    if (!this.#begun) return this.#distrust('body before head');
    if (!this.#side.data(buffer, start, end)) return this.#distrust('longer than announced');
    this.#waitForMore();
  }

  onTrailers(fields: string): void {
    if (fields === '') return;
    try {
      this.#trailers = readTrailers(`${fields}\r\n`, this.#context.headLimits);
    } catch (error) {
      if (!(error instanceof Http1Error)) throw error;
      this.#distrust(error.reason);
    }
  }

  onEnd(): void {
    if (this.#over) return;
    if (!this.#begun) return this.#distrust('no final response');
    const trailers = this.#trailers === '' ? '' : (this.#policy?.trailers(this.#trailers) ?? this.#trailers);
    if (!this.#side.end(trailers)) return this.#abort();
    this.#finish();
  }

  onReset(code: number): void {
    if (this.#over) return;
    if (!this.#begun && this.#mayRepeat(code))
      return this.#again(code, code === ResetCode.LinkLost ? 'link' : 'session');
    this.#delivery.failed(code);
    if (this.#begun) this.#abort();
    else this.onRefused(refusalFor(code));
  }

  onDrain(): void {
    if (!this.requestDone) this.#side.resumeReading();
  }

  onUnacknowledged(): void {
    if (this.#begun || !this.#mayRepeat(ResetCode.LinkLost) || !this.#delivery.hasAlternative) return;
    this.stream!.reset(ResetCode.Cancelled, 'not acknowledged in time');
    this.#again(ResetCode.LinkLost, 'session');
  }

  /** False when the entry point's rules have answered the request. */
  #obey(rules: EntryRules): boolean {
    if (rules.misdirects(this.head.hostname)) {
      this.onRefused(MISDIRECTED);
      return false;
    }
    if (rules.httpsPort === undefined || this.client.proto === 'https') return true;
    const redirect = httpsRedirect(rules.httpsPort, this.head, this.requestId);
    if (redirect === undefined) return true;
    this.#context.ways.counters.redirectsToHttps++;
    this.#answer(redirect);
    return false;
  }

  #again(code: number, failed: 'link' | 'session'): void {
    this.#body?.detach();
    this.#delivery.again(code, failed);
  }

  /** Nothing may be lost or done twice: see the failure rules in docs/protocol.md, section 7. */
  #mayRepeat(code: number): boolean {
    if (this.#interim > 0 || !(this.#body?.repeatable ?? true)) return false;
    if (isUndelivered(code)) return true;
    // Once: a request that breaks one service may break them all.
    const lost = isAgentLost(code) || (code === ResetCode.UpstreamLost && !this.#delivery.serviceLost);
    return lost && IDEMPOTENT.has(this.head.method);
  }

  #passInterim(head: ResponseHead): void {
    this.#interim++;
    if (this.#interim > MAX_INTERIM) return this.#distrust('too many interim responses');
    this.#side.interim(this.#policy?.interimHead(head) ?? head);
  }

  #upgrade(head: ResponseHead, buffer: Buffer, headEnd: number, end: number): void {
    const asked = this.head.upgrade?.toLowerCase().split(/\s*,\s*/) ?? [];
    if (head.upgrade === undefined || !asked.includes(head.upgrade.toLowerCase())) {
      return this.#distrust('switch to a protocol that was not asked for');
    }
    const answer = this.#policy?.responseHead(head) ?? head;
    if ('code' in answer) return this.#withhold(answer);
    if (!this.#side.upgrade(answer, this.stream!, this.#timeouts.tunnelIdle))
      return this.#distrust('not the switch that was asked for');
    this.#close();
    this.#context.ways.counters.countStatus(101);
    if (end > headEnd) this.stream!.consumer.onData(buffer, headEnd, end);
  }

  /** The deadline while the response is on its way: a client that does not read waits less than a quiet service may. */
  #waitForMore(): void {
    if (this.#over) return;
    const { bodyIdle, tunnelIdle } = this.#timeouts;
    this.#wait(this.#side.blocked ? bodyIdle : tunnelIdle);
  }

  #waitForAnswer(): void {
    const { bodyIdle, firstByte, tunnelIdle } = this.#timeouts;
    if (this.#side.keepsTime) this.#wait(tunnelIdle);
    else this.#wait(this.requestDone ? firstByte : bodyIdle);
  }

  #wait(ms: number): void {
    this.#side.waitUpTo(this.patience(ms));
  }

  #limitTime(timeouts: HttpTimeouts): void {
    this.#timeouts = timeouts;
    this.#until = timeouts.total === Infinity ? Infinity : coarseNow() + timeouts.total;
    this.#waitForAnswer();
  }

  /** False when the request has been answered, which may be what the policy is about. */
  #follow(policy: Policy, tunnel: string): boolean {
    const { client, head } = this;
    const { edge } = this.#context;
    this.#limitTime(policy.timeouts);
    this.#bandwidth = policy.bandwidth;
    const facts = { head, client, tunnel, requestId: this.requestId, edge: edge.id, region: edge.region };
    this.#policy = new AppliedPolicy(policy, facts);
    const own = this.#policy.ownAnswer;
    if (own !== undefined) {
      this.#context.ways.counters.countStatus(own.status);
      this.#answer(own);
      return false;
    }
    const made = this.#policy.requestHead(forwardedHead(head, client, this.requestId));
    if (typeof made === 'string') this.#policyHead = made;
    else this.onRefused(made);
    return typeof made === 'string';
  }

  #open(link: Link, meta: OpenMeta, bytes: Buffer, last: boolean): StreamEnd {
    if (this.#bandwidth === undefined) return link.open(meta, this, bytes, 0, bytes.length, last);
    const paced = new PacedStream(this.#context.pacer, this.#bandwidth, this);
    return paced.openWith((now, all) => link.open(meta, paced, bytes, 0, now, all), bytes, last);
  }

  #answer(answer: OwnAnswer): void {
    this.#side.answer(withHsts(answer, this.client.rules));
    this.#finish();
  }

  /** The service has answered with what its route does not let pass. */
  #withhold(refusal: Refusal): void {
    this.stream!.reset(ResetCode.Cancelled, refusal.reason);
    this.onRefused(refusal);
  }

  /** The agent's side broke HTTP. */
  #distrust(reason: string): void {
    this.stream?.reset(ResetCode.Protocol, reason);
    if (this.#begun) return this.#abort();
    this.onRefused(refusalFor(ResetCode.UpstreamProtocol));
  }

  #abort(): void {
    if (this.#over) return;
    this.#close();
    this.#side.abort();
  }

  #finish(): void {
    this.#close();
    // A response that came before the whole request: nobody reads the rest.
    if (!this.requestDone) this.stream?.reset(ResetCode.Cancelled, 'answered already');
    this.#side.finish(this.requestDone);
  }

  #close(): void {
    this.#over = true;
    this.#context.ways.counters.requestsOpen--;
  }
}

/** Whether the bytes that came along with a head can be the beginning, or the whole, of the body it announces. */
function fits(head: ResponseHead, bytes: number, whole: boolean): boolean {
  if (head.body === 'none') return bytes === 0;
  if (head.body !== 'length') return true;
  return whole ? bytes === head.contentLength : bytes <= head.contentLength;
}

/** A service that names the request itself knows better what its own logs say. */
function withRequestId(head: ResponseHead, requestId: string): ResponseHead {
  if (getField(head.fields, 'x-request-id') !== undefined) return head;
  return { ...head, fields: addField(head.fields, 'X-Request-Id', requestId) };
}
