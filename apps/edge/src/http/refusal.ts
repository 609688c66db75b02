import type { Http1Error } from '@culvert/http1';
import type { ErrorPages, PageKind } from './error-pages.ts';
import type { OwnAnswer } from './own-answer.ts';
import { newRequestId } from './request-id.ts';

/** What a client is told when the edge answers itself; the code is in the header `x-culvert-error`. */
export const REFUSALS = {
  bad_request: { status: 400, title: 'Bad request' },
  unknown_hostname: { status: 404, title: 'Unknown hostname' },
  request_timeout: { status: 408, title: 'Request timeout' },
  content_too_large: { status: 413, title: 'Content too large' },
  uri_too_long: { status: 414, title: 'URI too long' },
  expectation_failed: { status: 417, title: 'Expectation failed' },
  misdirected: { status: 421, title: 'Misdirected request' },
  head_too_large: { status: 431, title: 'Request header fields too large' },
  not_implemented: { status: 501, title: 'Not implemented' },
  version_not_supported: { status: 505, title: 'HTTP version not supported' },
  loop_detected: { status: 508, title: 'Loop detected' },
  upstream_redirect: { status: 502, title: 'Redirect to an internal address' },
  agent_lost: { status: 502, title: 'Agent lost' },
  upstream_unreachable: { status: 502, title: 'Service unreachable' },
  upstream_protocol: { status: 502, title: 'Bad answer from the service' },
  no_agent: { status: 503, title: 'No agent', retryAfterSeconds: 5 },
  registry_unavailable: { status: 503, title: 'Registry unavailable', retryAfterSeconds: 5 },
  overloaded: { status: 503, title: 'Overloaded', retryAfterSeconds: 1 },
  upstream_timeout: { status: 504, title: 'Service timeout' },
} as const satisfies Record<string, { status: number; title: string; retryAfterSeconds?: number }>;

export type RefusalCode = keyof typeof REFUSALS;

/** What a client is told of its own bytes; an upstream's errors do not come from here. */
export function clientErrorCode({ code }: Http1Error): RefusalCode {
  return code === 'upstream_protocol' ? 'bad_request' : code;
}

/** A refusal with what is known of this one. */
export interface Refusal {
  readonly code: RefusalCode;
  /** One sentence for people. Never bytes of an upstream. */
  readonly reason: string;
  /** The edge itself has too much to do: the client is not listened to for a while. */
  readonly rests?: true;
}

export interface RefusalContext {
  readonly requestId: string;
  /** The request's Accept field. */
  readonly accept: string | undefined;
  /** What the request is for, where that is known. */
  readonly hostname: string;
  readonly pages: ErrorPages;
}

/** Of a request that could not be read. */
export const unknownRequest = ({ errorPages }: { readonly errorPages: ErrorPages }): RefusalContext => ({
  requestId: newRequestId(),
  accept: undefined,
  hostname: '',
  pages: errorPages,
});

/** JSON, a small page or a line of text, by what the client accepts. */
export function refusalAnswer(refusal: Refusal, context: RefusalContext): OwnAnswer {
  const entry: { status: number; title: string; retryAfterSeconds?: number } = REFUSALS[refusal.code];
  const [type, body] = bodyFor(refusal, context);
  const fields =
    `Content-Type: ${type}; charset=utf-8\r\nContent-Length: ${body.length}\r\nCache-Control: no-store\r\n` +
    `X-Culvert-Error: ${refusal.code}\r\nX-Request-Id: ${context.requestId}\r\n`;
  const retry = entry.retryAfterSeconds === undefined ? '' : `Retry-After: ${entry.retryAfterSeconds}\r\n`;
  const rests = refusal.rests === true;
  return { status: entry.status, reason: entry.title, fields: fields + retry, body, rests };
}

function bodyFor(refusal: Refusal, context: RefusalContext): [type: string, body: string] {
  const { status, title } = REFUSALS[refusal.code];
  const { code, reason } = refusal;
  const kind = preferred(context.accept ?? '');
  const own = context.pages.body(kind, {
    status: String(status),
    title,
    code,
    reason: ascii(reason),
    request_id: ascii(context.requestId),
    host: ascii(context.hostname),
  });
  if (own !== undefined) return [TYPES[kind], own];
  if (kind === 'json') {
    const error = { code, message: reason, requestId: context.requestId };
    return [TYPES.json, ascii(`${JSON.stringify({ error })}\n`)];
  }
  if (kind === 'text') return [TYPES.text, ascii(`${status} ${title}: ${reason} (${code})\n`)];
  return [TYPES.html, ascii(page(status, title, reason, code, context.requestId))];
}

const TYPES = { html: 'text/html', json: 'application/json', text: 'text/plain' } as const;

/**
 * JSON or a page, whichever is named with the greater weight, or first with the same one (RFC 9110 §12.4.2); otherwise
 * text.
 */
function preferred(accept: string): PageKind {
  let kind: PageKind = 'text';
  let most = 0;
  for (const range of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim());
    const named = kindOf(type);
    const weight = Number(parameters.find((one) => one.startsWith('q='))?.slice(2) ?? 1);
    if (named === undefined || !(weight > most)) continue;
    kind = named;
    most = weight;
  }
  return kind;
}

function kindOf(type: string): PageKind | undefined {
  if (/^application\/(?:[\w.+-]+\+)?json$/.test(type)) return 'json';
  return type === TYPES.html ? 'html' : undefined;
}

function page(status: number, title: string, reason: string, code: string, requestId: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${status} ${escaped(title)}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:36em;margin:15vh auto;padding:0 1em;color:#222}code{color:#666}</style>
</head><body><h1>${status} ${escaped(title)}</h1><p>${escaped(reason)}</p><p><code>${code} ${escaped(requestId)}</code></p></body></html>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** The body is written as latin1 and announced as UTF-8: what is in neither way the same is replaced. */
function ascii(text: string): string {
  return text.replace(/[^\n\x20-\x7e]/g, '?');
}
