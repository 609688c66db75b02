import { CR, DOT, LF, SLASH, SPACE, TOKEN, isDigit } from './characters.ts';
import { FIELD, type FieldKind } from './field-names.ts';
import { FieldReader } from './field-reader.ts';
import { removeField } from './fields.ts';
import { ForwardedLines, joined, NOT_FORWARDED, type ForwardedFields } from './forwarded-fields.ts';
import { unendingHead } from './head-end.ts';
import { hostEnd, hostnameOf } from './hostname.ts';
import { Http1Error } from './http1-error.ts';
import { DEFAULT_HEAD_LIMITS, type HeadLimits } from './limits.ts';
import { isKnownMethod } from './methods.ts';
import { readTarget, targetEnd, type RequestTarget } from './request-target.ts';
import { upgradeOf } from './upgrade-list.ts';

const MAX_METHOD = 64;
const ONE = 0x31;
const NO_HOST = { host: '', hostname: '' };
/** Bytes of `HTTP/1.1` CRLF. */
const VERSION_LINE = 10;

/** A request as understood once, for everyone behind us. Framing and addressing are values, not fields. */
export interface RequestHead {
  readonly method: string;
  /** Origin-form (or `*`, or CONNECT's authority) as to be sent on, byte for byte as it came. */
  readonly target: string;
  /** The target without query. */
  readonly path: string;
  /** 0 for HTTP/1.0, 1 for HTTP/1.1. */
  readonly minor: 0 | 1;
  /** The authority for the Host field sent on; empty when a 1.0 request names none. */
  readonly host: string;
  /** `host` in lower case without port and trailing dot. */
  readonly hostname: string;
  readonly body: 'none' | 'length' | 'chunked';
  /** Bytes of a body of `length`, otherwise -1. */
  readonly contentLength: number;
  /** Whether the client's connection may carry another request after this one. */
  readonly keepAlive: boolean;
  /** The protocols asked for, where Connection lists upgrade and nothing of a body stands in between. */
  readonly upgrade: string | undefined;
  /** `Expect: 100-continue` of a 1.1 client. */
  readonly expectContinue: boolean;
  /** `TE` lists `trailers`. */
  readonly teTrailers: boolean;
  readonly hasTrailerField: boolean;
  readonly requestId: string | undefined;
  readonly forwarded: ForwardedFields;
  /** The proxies that the request has passed, lines joined by `, `; they stay in `fields` as well. */
  readonly via: string | undefined;
  /** The end-to-end lines as they came, each with its CRLF, without what the other members hold. */
  readonly fields: string;
}

/** Parses the head at bytes[start, end), its empty line included. Throws Http1Error. */
export function readRequestHead(
  bytes: Buffer,
  start: number,
  end: number,
  limits: HeadLimits = DEFAULT_HEAD_LIMITS,
): RequestHead {
  checkSize(bytes, start, end, limits);
  return new RequestReader(bytes, start, end, limits).head();
}

/** Parses a whole head given as latin1 text. Slower than `readRequestHead`. Throws Http1Error. */
export function parseRequestHead(text: string, limits: HeadLimits = DEFAULT_HEAD_LIMITS): RequestHead {
  const bytes = Buffer.from(text, 'latin1');
  checkSize(bytes, 0, bytes.length, limits);
  return new RequestReader(bytes, 0, bytes.length, limits, text).head();
}

/** Whether a head that is too long is told for its target must not depend on the pieces in which it came. */
function checkSize(bytes: Buffer, start: number, end: number, limits: HeadLimits): void {
  if (end - start > limits.headBytes) throw unendingHead(bytes, start, end, limits);
}

function refuse(reason: string): never {
  throw new Http1Error('bad_request', reason);
}

class RequestReader extends FieldReader {
  readonly #method: string;
  readonly #target: RequestTarget;
  readonly #minor: 0 | 1;
  /** Where the Host value is; -1 where there is none. */
  #hostStart = -1;
  #hostEnd = -1;
  #expectContinue = false;
  #teTrailers = false;
  #requestId: string | undefined;
  #via: string | undefined;
  #forwarded: ForwardedLines | undefined;

  constructor(bytes: Buffer, start: number, end: number, limits: HeadLimits, text?: string) {
    super(bytes, start, end, limits, text);
    const methodEnd = tokenEnd(bytes, start);
    this.#method = this.slice(start, methodEnd);
    checkMethod(this.#method, bytes[methodEnd]!, limits);
    const from = methodEnd + 1;
    const to = targetEnd(bytes, from);
    if (to - from > limits.targetBytes) throw new Http1Error('uri_too_long', 'request target too long');
    if (to === from || bytes[to] !== SPACE) refuse('bad request target');
    this.#target = readTarget(this.#method, this.slice(from, to));
    this.#minor = readVersion(bytes, to + 1);
    this.read(to + 1 + VERSION_LINE);
  }

  head(): RequestHead {
    const { target, path, authority } = this.#target;
    const body = this.#body();
    const ownHost = this.#ownHost();
    const host = authority ?? ownHost.host;
    return {
      method: this.#method,
      target,
      path,
      minor: this.#minor,
      host,
      hostname: authority === undefined ? ownHost.hostname : (hostnameOf(authority) ?? refuse('bad host')),
      body,
      contentLength: this.contentLength,
      keepAlive: this.persists(this.#minor),
      upgrade: this.#upgrade(body),
      expectContinue: this.#expectContinue && this.#minor === 1,
      teTrailers: this.#teTrailers,
      hasTrailerField: this.hasTrailerField && body === 'chunked',
      requestId: this.#requestId,
      forwarded: this.#forwarded ?? NOT_FORWARDED,
      via: this.#via,
      fields: this.hasTrailerField && body !== 'chunked' ? removeField(this.fields, 'trailer') : this.fields,
    };
  }

  protected override take(kind: FieldKind, start: number, end: number): boolean {
    switch (kind) {
      case FIELD.host:
        if (this.#hostStart !== -1) refuse('repeated host');
        this.#hostStart = start;
        this.#hostEnd = end;
        return true;
      case FIELD.connection:
        this.takeConnection(start, end);
        return true;
      case FIELD.contentLength:
        this.takeContentLength(start, end);
        return true;
      case FIELD.transferEncoding:
        this.takeTransferEncoding(start, end);
        return true;
      case FIELD.trailer:
        this.hasTrailerField = true;
        return false;
      case FIELD.via:
        this.#via = joined(this.#via, this.slice(start, end));
        return false;
      case FIELD.proxyConnection:
        this.takeProxyConnection(start, end);
        return true;
      case FIELD.hopByHop:
        return true;
      default:
        this.#takeRare(kind, start, end);
        return true;
    }
  }

  protected override takeForwarded(start: number, end: number): boolean {
    this.#forwarded ??= new ForwardedLines();
    this.#forwarded.others += this.slice(start, end);
    return true;
  }

  #takeRare(kind: FieldKind, start: number, end: number): void {
    const value = this.slice(start, end);
    if (kind === FIELD.upgrade) this.takeUpgrade(start, end);
    else if (kind === FIELD.expect) this.#takeExpect(value);
    else if (kind === FIELD.te) this.#teTrailers ||= /(?:^|,)[\t ]*trailers[\t ]*(?:,|$)/i.test(value);
    else if (kind === FIELD.requestId) this.#requestId ??= value;
    else this.#takeHop(kind, value);
  }

  #takeHop(kind: FieldKind, value: string): void {
    const hops = (this.#forwarded ??= new ForwardedLines());
    if (kind === FIELD.forwardedFor) hops.for = joined(hops.for, value);
    else if (kind === FIELD.forwardedProto) hops.proto = joined(hops.proto, value);
    else if (kind === FIELD.forwardedHost) hops.host = joined(hops.host, value);
    else if (kind === FIELD.forwardedPort) hops.port = joined(hops.port, value);
    else if (kind === FIELD.realIp) hops.realIp = joined(hops.realIp, value);
    else if (kind === FIELD.forwarded) hops.forwarded = joined(hops.forwarded, value);
  }

  #takeExpect(value: string): void {
    if (value.toLowerCase() !== '100-continue') {
      throw new Http1Error('expectation_failed', 'unknown expectation');
    }
    this.#expectContinue = true;
  }

  /** RFC 9112 §6.3, with everything refused that two readers could frame differently. */
  #body(): RequestHead['body'] {
    if (!this.chunked && this.contentLength === -1) return 'none';
    if (this.#method === 'CONNECT') refuse('CONNECT with a body');
    // RFC 9110 §9.3.8: some servers read none, and the body would be the next request to them.
    if (this.#method === 'TRACE' && (this.chunked || this.contentLength > 0)) refuse('TRACE with a body');
    if (!this.chunked) return 'length';
    if (this.contentLength !== -1) refuse('content-length with transfer-encoding');
    if (this.#minor === 0) refuse('transfer-encoding in HTTP/1.0');
    return 'chunked';
  }

  /** Host, also where the target overrules it: who reads it behind us is not known. */
  #ownHost(): { readonly host: string; readonly hostname: string } {
    const start = this.#hostStart;
    const end = this.#hostEnd;
    if (start === -1) return this.#minor === 0 ? NO_HOST : refuse('missing host');
    const last = hostEnd(this.bytes, start, end);
    if (last === -1) refuse('bad host');
    const host = this.slice(start, end);
    return { host, hostname: (last === end ? host : this.slice(start, last)).toLowerCase() };
  }

  /** An upgrade asked for together with a body is ignored, as RFC 9110 §7.8 allows: it goes on as a plain request. */
  #upgrade(body: RequestHead['body']): string | undefined {
    if (this.upgradeList === undefined || this.connection?.upgrade !== true || this.#minor === 0)
      return undefined;
    const bodiless = body === 'none' || this.contentLength === 0;
    const upgrade = upgradeOf(this.upgradeList);
    return bodiless ? upgrade : undefined;
  }
}

function tokenEnd(bytes: Uint8Array, from: number): number {
  let at = from;
  while (TOKEN[bytes[at]!] !== 0) at += 1;
  return at;
}

function checkMethod(method: string, next: number, limits: HeadLimits): void {
  if (method === '' || next !== SPACE) refuse('bad method');
  if (method.length > MAX_METHOD || (limits.methods === 'known' && !isKnownMethod(method))) {
    throw new Http1Error('not_implemented', 'method not implemented');
  }
}

const HTTP = [0x48, 0x54, 0x54, 0x50, SLASH] as const;

/** Exactly `HTTP/1.0` or `HTTP/1.1` and the line's end, at `at`. */
function readVersion(bytes: Uint8Array, at: number): 0 | 1 {
  const major = bytes[at + 5]!;
  const minor = bytes[at + 7]!;
  for (let step = 0; step < HTTP.length; step += 1)
    if (bytes[at + step] !== HTTP[step]) refuse('bad request line');
  if (!isDigit(major) || bytes[at + 6] !== DOT || !isDigit(minor)) refuse('bad request line');
  if (bytes[at + 8] !== CR || bytes[at + 9] !== LF) refuse('bad request line');
  if (major === ONE && minor <= ONE) return minor === ONE ? 1 : 0;
  throw new Http1Error('version_not_supported', 'HTTP version not supported');
}
