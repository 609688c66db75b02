import { CR, LF, SPACE, VALUE, isDigit } from './characters.ts';
import { FIELD, type FieldKind } from './field-names.ts';
import { FieldReader } from './field-reader.ts';
import { removeField } from './fields.ts';
import { asUpstreamError, Http1Error } from './http1-error.ts';
import { DEFAULT_HEAD_LIMITS, type HeadLimits } from './limits.ts';
import { upgradeOf } from './upgrade-list.ts';

/** A response as understood once. Framing is values, not fields. */
export interface ResponseHead {
  /** 100 to 599. */
  readonly status: number;
  readonly minor: 0 | 1;
  readonly reason: string;
  /** How the body ends: `close` is with the connection, `none` also for HEAD, 1xx, 204, 304 and CONNECT's 2xx. */
  readonly body: 'none' | 'length' | 'chunked' | 'close';
  /**
   * What Content-Length said, or -1: the bytes of a body of `length`; for HEAD and 304 what a GET would have had,
   * to be sent on; always -1 for 1xx, 204 and a CONNECT's 2xx, which must not carry it.
   */
  readonly contentLength: number;
  /** Whether the upstream's connection may carry another request after this response. */
  readonly keepAlive: boolean;
  /** The protocols named, where Connection lists upgrade: of meaning with 101 and 426. */
  readonly upgrade: string | undefined;
  readonly hasTrailerField: boolean;
  /** The end-to-end lines as they came, each with its CRLF, without what the other members hold. */
  readonly fields: string;
}

/**
 * Parses the head at bytes[start, end), its empty line included, as the answer to `requestMethod`. Throws
 * Http1Error with the code `upstream_protocol`.
 */
export function readResponseHead(
  bytes: Buffer,
  start: number,
  end: number,
  requestMethod: string,
  limits: HeadLimits = DEFAULT_HEAD_LIMITS,
): ResponseHead {
  try {
    return new ResponseReader(bytes, start, end, limits).head(requestMethod);
  } catch (error) {
    throw asUpstreamError(error);
  }
}

/** Parses a whole head given as latin1 text. Slower than `readResponseHead`. Throws Http1Error. */
export function parseResponseHead(
  text: string,
  requestMethod: string,
  limits: HeadLimits = DEFAULT_HEAD_LIMITS,
): ResponseHead {
  const bytes = Buffer.from(text, 'latin1');
  try {
    return new ResponseReader(bytes, 0, bytes.length, limits, text).head(requestMethod);
  } catch (error) {
    throw asUpstreamError(error);
  }
}

function refuse(reason: string): never {
  throw new Http1Error('upstream_protocol', reason);
}

class ResponseReader extends FieldReader {
  readonly #minor: 0 | 1;
  readonly #status: number;
  readonly #reason: string;

  constructor(bytes: Buffer, start: number, end: number, limits: HeadLimits, text?: string) {
    super(bytes, start, end, limits, text);
    this.#minor = readVersion(bytes, start);
    this.#status = readStatus(bytes, start + 9);
    const lineEnd = reasonEnd(bytes, start + 12);
    this.#reason = this.slice(start + 13, lineEnd);
    this.read(lineEnd + 2);
  }

  head(requestMethod: string): ResponseHead {
    this.#checkFraming();
    const bodiless = isBodiless(this.#status, requestMethod);
    const lengthless =
      this.#status < 200 || this.#status === 204 || (bodiless && requestMethod === 'CONNECT');
    const body = bodiless ? 'none' : this.#body();
    return {
      status: this.#status,
      minor: this.#minor,
      reason: this.#reason,
      body,
      contentLength: lengthless ? -1 : this.contentLength,
      keepAlive: this.#keepAlive(body, lengthless),
      upgrade: this.#upgrade(),
      hasTrailerField: this.hasTrailerField && body === 'chunked',
      fields: this.hasTrailerField && body !== 'chunked' ? removeField(this.fields, 'trailer') : this.fields,
    };
  }

  protected override take(kind: FieldKind, start: number, end: number): boolean {
    switch (kind) {
      case FIELD.contentLength:
        this.takeContentLength(start, end);
        return true;
      case FIELD.transferEncoding:
        this.takeTransferEncoding(start, end);
        return true;
      case FIELD.connection:
        this.takeConnection(start, end);
        return true;
      case FIELD.upgrade:
        this.takeUpgrade(start, end);
        return true;
      case FIELD.proxyConnection:
        this.takeProxyConnection(start, end);
        return true;
      case FIELD.trailer:
        this.hasTrailerField = true;
        return false;
      default:
        return kind === FIELD.hopByHop || kind === FIELD.te;
    }
  }

  #checkFraming(): void {
    if (!this.chunked) return;
    if (this.contentLength !== -1) refuse('content-length with transfer-encoding');
    if (this.#minor === 0) refuse('transfer-encoding in HTTP/1.0');
  }

  #body(): ResponseHead['body'] {
    if (this.chunked) return 'chunked';
    return this.contentLength === -1 ? 'close' : 'length';
  }

  /** Framing where none may be means that bytes may follow which are no response: such a connection is not reused. */
  #keepAlive(body: ResponseHead['body'], lengthless: boolean): boolean {
    if (body === 'close' || (lengthless && (this.chunked || this.contentLength > 0))) return false;
    return this.persists(this.#minor);
  }

  #upgrade(): string | undefined {
    if (this.upgradeList === undefined || this.connection?.upgrade !== true) return undefined;
    return upgradeOf(this.upgradeList);
  }
}

/** RFC 9112 §6.3 rules 1 and 2. */
function isBodiless(status: number, method: string): boolean {
  if (status < 200 || status === 204 || status === 304 || method === 'HEAD') return true;
  return method === 'CONNECT' && status < 300;
}

const HTTP_1 = Buffer.from('HTTP/1.', 'latin1');

function readVersion(bytes: Uint8Array, start: number): 0 | 1 {
  for (let at = 0; at < HTTP_1.length; at += 1)
    if (bytes[start + at] !== HTTP_1[at]) refuse('bad status line');
  const minor = bytes[start + 7]! - 0x30;
  if (bytes[start + 8] !== SPACE) refuse('bad status line');
  return minor === 0 || minor === 1 ? minor : refuse('HTTP version not supported');
}

function readStatus(bytes: Uint8Array, from: number): number {
  let status = 0;
  for (let at = from; at < from + 3; at += 1) {
    const code = bytes[at]!;
    if (!isDigit(code)) refuse('bad status');
    status = status * 10 + code - 0x30;
  }
  return status >= 100 && status <= 599 ? status : refuse('bad status');
}

/** The reason may be empty, and then many servers leave out the space before it. */
function reasonEnd(bytes: Uint8Array, from: number): number {
  let at = from;
  if (bytes[at] === SPACE) while (VALUE[bytes[at]!] === 1) at += 1;
  return bytes[at] === CR && bytes[at + 1] === LF ? at : refuse('bad status line');
}
