import { fieldsOf, parseResponseHead, trimmed } from '@culvert/http1';
import type { HeadLimits, RequestHead, ResponseHead } from '@culvert/http1';
import { reasonPhrase } from '../streams/reason-phrase.ts';

/** RFC 9113 §8.2.2: about an HTTP/1.1 connection, or said by pseudo-fields. */
const LEFT_OUT: ReadonlySet<string> = new Set(
  'connection http2-settings keep-alive proxy-connection te transfer-encoding upgrade'.split(' '),
);

/**
 * A request's head as names and values in turns, for HTTP/2.
 * @param head as text; `request` is what it means
 */
export function http2Fields(request: RequestHead, head: string, scheme: 'http' | 'https'): string[] {
  const fields = [':method', request.method, ':scheme', scheme, ':path', request.target];
  // The empty line ends it.
  for (let at = head.indexOf('\r\n') + 2; at < head.length - 2;) {
    const colon = head.indexOf(':', at);
    const end = head.indexOf('\r\n', colon);
    const name = head.slice(at, colon).toLowerCase();
    if (!LEFT_OUT.has(name))
      fields.push(name === 'host' ? ':authority' : name, trimmed(head, colon + 1, end));
    at = end + 2;
  }
  if (request.teTrailers) fields.push('te', 'trailers');
  return fields;
}

/** The head of a WebSocket upgrade as the extended CONNECT of RFC 8441. */
export function connectFields(request: RequestHead, head: string, scheme: 'http' | 'https'): string[] {
  const fields = http2Fields(request, head, scheme);
  const kept: string[] = [];
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!;
    if (name === ':method') kept.push(name, 'CONNECT', ':protocol', 'websocket');
    // RFC 8441 §5: the key is HTTP/1.1's.
    else if (name !== 'sec-websocket-key') kept.push(name, fields[at + 1]!);
  }
  return kept;
}

/**
 * What an HTTP/2 answer means, held against the same rules as one of HTTP/1.1. Throws Http1Error.
 * @param fields names and values in turns, pseudo-fields among them
 */
export function readHttp2Answer(
  status: number,
  fields: readonly string[],
  requestMethod: string,
  limits: HeadLimits,
): ResponseHead {
  // Told by the frames; so that what belongs to it, such as Trailer, is kept.
  const framing = status < 200 || hasLength(fields) ? '' : 'Transfer-Encoding: chunked\r\n';
  const text = `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n${linesOf(fields)}${framing}\r\n`;
  return parseResponseHead(text, requestMethod, limits);
}

/** Names come in lower case (RFC 9113 §8.2). */
function hasLength(fields: readonly string[]): boolean {
  for (let at = 0; at < fields.length; at += 2) if (fields[at] === 'content-length') return true;
  return false;
}

/** Field lines, each with its CRLF. HTTP/2 has been checked by then: no value holds a line's end. */
export function linesOf(fields: readonly string[]): string {
  let lines = '';
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!;
    if (!name.startsWith(':')) lines += `${name}: ${fields[at + 1]!}\r\n`;
  }
  return lines;
}

/** Trailer lines as node:http2 takes them: several of one name as a list. */
export function trailerFields(lines: string): Record<string, string[]> {
  const fields: Record<string, string[]> = {};
  for (const [name, value] of fieldsOf(lines)) (fields[name.toLowerCase()] ??= []).push(value);
  return fields;
}
