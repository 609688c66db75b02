import { PATH, QUERY, QUESTION, SLASH } from './characters.ts';
import { Http1Error } from './http1-error.ts';

/** A request target in the form to be sent on. */
export interface RequestTarget {
  /** Origin-form, `*`, or the authority of a CONNECT. */
  readonly target: string;
  /** The target without its query. */
  readonly path: string;
  /** The authority of an absolute-form or authority-form, which then overrules Host (RFC 9112 §3.2.2). */
  readonly authority: string | undefined;
}

function refuse(): never {
  throw new Http1Error('bad_request', 'bad request target');
}

/** Where the target that begins at `from` ends: at the first byte that no target may hold. */
export function targetEnd(bytes: Uint8Array, from: number): number {
  let at = from;
  while (PATH[bytes[at]!] === 1) at += 1;
  if (bytes[at] !== QUESTION) return at;
  while (QUERY[bytes[at]!] === 1) at += 1;
  return at;
}

export function readTarget(method: string, target: string): RequestTarget {
  if (method === 'CONNECT') return authorityForm(target);
  if (target.charCodeAt(0) === SLASH) return { target, path: pathOf(target), authority: undefined };
  if (target !== '*') return absoluteForm(method, target);
  return method === 'OPTIONS' ? { target, path: target, authority: undefined } : refuse();
}

function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query === -1 ? target : target.slice(0, query);
}

/** The host is validated with Host; here the port, which CONNECT must not leave out, is what makes the form. */
function authorityForm(target: string): RequestTarget {
  if (!/:\d+$/.test(target)) refuse();
  return { target, path: '', authority: target };
}

function absoluteForm(method: string, target: string): RequestTarget {
  const scheme = /^https?:\/\//i.exec(target);
  if (scheme === null) refuse();
  const rest = target.slice(scheme[0].length);
  const end = rest.search(/[/?]/);
  const authority = end === -1 ? rest : rest.slice(0, end);
  const origin = end === -1 ? '' : rest.slice(end);
  if (origin === '' && method === 'OPTIONS') return { target: '*', path: '*', authority };
  const sent = origin.charCodeAt(0) === SLASH ? origin : `/${origin}`;
  return { target: sent, path: pathOf(sent), authority };
}
