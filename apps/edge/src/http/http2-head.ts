import { Http1Error, parseRequestHead, readTrailers, trimmed } from '@culvert/http1';
import type { HeadLimits, RequestHead, ResponseHead } from '@culvert/http1';
import type { OutgoingHttpHeaders } from 'node:http2';

/** A request as its HEADERS told it. */
export interface Http2Request {
  readonly head: RequestHead;
  /** RFC 8441: the stream is to become a tunnel for this protocol, for which an HTTP/1.1 upgrade is asked. */
  readonly protocol: string | undefined;
}

/** Names in lower case only (RFC 9113 §8.2.1). */
const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
/** As in an Upgrade field: a name, and a version where there is one. */
const PROTOCOL = /^[!#$%&'*+.^_`|~\w-]+(?:\/[!#$%&'*+.^_`|~\w-]+)?$/;
/** What would end a line of the text that the head is read from. */
const LINE_END = /[\r\n\0]/;
/** RFC 9113 §8.2.2: what HTTP/1.x says of a connection has no place here. `host` is handled apart. */
const CONNECTION_SPECIFIC = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);
/** RFC 8441 §5: of the connection that the edge asks for, not of the client's stream. */
const OF_THE_HANDSHAKE = new Set(['sec-websocket-key', 'sec-websocket-accept']);

function refuse(reason: string): never {
  throw new Http1Error('bad_request', reason);
}

/**
 * Reads the name-value pairs of a request. They become the text of an HTTP/1.1 head, which the parser for those reads
 * under the same limits: what the edge understood is what the agent and the service get. Throws Http1Error.
 *
 * @param ended whether nothing follows the HEADERS
 * @param webSocketKey for the handshake, should the request be a WebSocket's
 */
export function readHttp2Request(
  pairs: readonly string[],
  ended: boolean,
  limits: HeadLimits,
  webSocketKey: () => string,
): Http2Request {
  const lines = new RequestLines(pairs);
  const text = lines.text(ended, webSocketKey);
  return { head: parseRequestHead(text, limits), protocol: lines.protocol };
}

/** Lines of a request's trailers fit to be passed on. Throws Http1Error. */
export function readHttp2Trailers(pairs: readonly string[], limits: HeadLimits): string {
  let text = '';
  for (let at = 0; at < pairs.length; at += 2) text += line(pairs[at]!, pairs[at + 1]!);
  return readTrailers(`${text}\r\n`, limits);
}

/** Gathers what the pseudo-fields and fields say. */
class RequestLines {
  #method: string | undefined;
  #scheme: string | undefined;
  #pathname: string | undefined;
  #ownAuthority: string | undefined;
  #protocol: string | undefined;
  #fields = '';
  #host: string | undefined;
  #cookie = '';
  #hasLength = false;

  constructor(pairs: readonly string[]) {
    for (let at = 0; at < pairs.length; at += 2) {
      const name = pairs[at]!;
      const value = pairs[at + 1]!;
      if (name.startsWith(':')) this.#takePseudo(name, value);
      else this.#take(name, value);
    }
  }

  get protocol(): string | undefined {
    return this.#protocol;
  }

  text(ended: boolean, webSocketKey: () => string): string {
    const { protocol } = this;
    const method = this.#method ?? refuse('missing :method');
    if (method === 'CONNECT' && protocol === undefined) {
      throw new Http1Error('not_implemented', 'CONNECT is not offered here');
    }
    if (protocol !== undefined && (method !== 'CONNECT' || !PROTOCOL.test(protocol))) refuse('bad :protocol');
    if (!/^https?$/i.test(this.#scheme ?? '')) refuse('bad :scheme');
    const path = this.#path(method);
    const upgrade = protocol === undefined ? '' : handshake(protocol, webSocketKey);
    // Without a length, only the end of the stream tells where the body ends: chunks say the same further on.
    const framing = ended || this.#hasLength || upgrade !== '' ? '' : 'Transfer-Encoding: chunked\r\n';
    const cookie = this.#cookie === '' ? '' : `cookie: ${this.#cookie}\r\n`;
    const line = `${upgrade === '' ? method : 'GET'} ${path} HTTP/1.1\r\nHost: ${this.#authority()}\r\n`;
    return `${line}${this.#fields}${cookie}${upgrade}${framing}\r\n`;
  }

  #takePseudo(name: string, value: string): void {
    if (this.#fields !== '') refuse('pseudo-field after a field');
    if (LINE_END.test(value)) refuse('bad character in a pseudo-field');
    if (name === ':method') this.#method = once(this.#method, value);
    else if (name === ':scheme') this.#scheme = once(this.#scheme, value);
    else if (name === ':path') this.#pathname = once(this.#pathname, value);
    else if (name === ':authority') this.#ownAuthority = once(this.#ownAuthority, value);
    else if (name === ':protocol') this.#protocol = once(this.#protocol, value);
    else refuse('unknown pseudo-field');
  }

  #take(name: string, value: string): void {
    if (CONNECTION_SPECIFIC.has(name)) refuse('connection-specific field');
    if (name === 'te' && value.toLowerCase() !== 'trailers') refuse('connection-specific field');
    if (name === 'host') {
      if (this.#host !== undefined) refuse('repeated host');
      this.#host = value;
      return;
    }
    if (name === 'content-length') this.#hasLength = true;
    const text = line(name, value);
    // RFC 9113 §8.2.3: pairs come in fields of their own, so that they compress well.
    if (name === 'cookie') this.#cookie += `${this.#cookie === '' ? '' : '; '}${value}`;
    else if (this.protocol === undefined || !OF_THE_HANDSHAKE.has(name)) this.#fields += text;
  }

  /** Origin-form, or `*`: what RFC 9112 §3.2 has besides would overrule the authority. */
  #path(method: string): string {
    const path = this.#pathname ?? refuse('missing :path');
    if (path.startsWith('/')) return path;
    return path === '*' && method === 'OPTIONS' ? path : refuse('bad :path');
  }

  #authority(): string {
    const authority = this.#ownAuthority;
    const host = this.#host;
    if (authority === undefined) return host ?? refuse('missing :authority');
    // RFC 9113 §8.3.1; whoever reads only one of them must not read something else.
    if (host !== undefined && host.toLowerCase() !== authority.toLowerCase()) {
      refuse('host differs from :authority');
    }
    return authority;
  }
}

function once(earlier: string | undefined, value: string): string {
  return earlier === undefined ? value : refuse('repeated pseudo-field');
}

function line(name: string, value: string): string {
  if (!NAME.test(name)) refuse('bad field name');
  if (LINE_END.test(value)) refuse('bad character in field value');
  return `${name}: ${value}\r\n`;
}

/** RFC 8441 §5: what an HTTP/1.1 client would send. */
function handshake(protocol: string, webSocketKey: () => string): string {
  const key = protocol === 'websocket' ? `Sec-WebSocket-Key: ${webSocketKey()}\r\n` : '';
  return `Connection: Upgrade\r\nUpgrade: ${protocol}\r\n${key}`;
}

/**
 * The fields of a final response head as node:http2 takes them fastest, names and values in turns; but for those about
 * a connection, which header rules may have set.
 */
export function responseFields(head: ResponseHead): string[] {
  const { fields } = head;
  const pairs = [':status', String(head.status)];
  for (let at = 0; at < fields.length;) {
    const colon = fields.indexOf(':', at);
    const end = fields.indexOf('\r\n', colon);
    const name = fields.slice(at, colon).toLowerCase();
    if (!isOfConnection(name)) pairs.push(name, trimmed(fields, colon + 1, end));
    at = end + 2;
  }
  if (head.contentLength >= 0) pairs.push('content-length', String(head.contentLength));
  return pairs;
}

function isOfConnection(name: string): boolean {
  return name === 'te' || CONNECTION_SPECIFIC.has(name);
}

/** The fields of an interim response head as an object: node:http2 takes no other form of it. */
export function responseHeaders(head: ResponseHead): OutgoingHttpHeaders {
  const headers = headersOf(head.fields);
  headers[':status'] = head.status;
  if (head.contentLength >= 0) headers['content-length'] = String(head.contentLength);
  return headers;
}

/**
 * Lines of a head or trailer, but for those about a connection, which header rules may have set. Repeated ones are
 * joined, which node:http2 wants of most (RFC 9110 §5.3).
 */
export function headersOf(fields: string): OutgoingHttpHeaders {
  const headers = Object.create(null) as OutgoingHttpHeaders;
  for (let at = 0; at < fields.length;) {
    const colon = fields.indexOf(':', at);
    const end = fields.indexOf('\r\n', colon);
    const name = fields.slice(at, colon).toLowerCase();
    const value = trimmed(fields, colon + 1, end);
    at = end + 2;
    if (isOfConnection(name)) continue;
    const earlier = headers[name];
    if (name === 'set-cookie')
      headers[name] = earlier === undefined ? [value] : [...(earlier as string[]), value];
    else headers[name] = earlier === undefined ? value : `${earlier as string}, ${value}`;
  }
  return headers;
}
