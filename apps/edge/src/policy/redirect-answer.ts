import { fieldLine } from '@culvert/http1';
import type { OwnAnswer } from '../http/own-answer.ts';
import type { Redirect } from './policy.ts';
import { valueOf } from './request-facts.ts';
import type { RequestFacts } from './request-facts.ts';

const { STATUS_CODES } = process.getBuiltinModule('node:http');

/** A redirect that the edge itself answers with. */
export function redirectAnswer({ to, status }: Redirect, facts: RequestFacts): OwnAnswer {
  const { head, requestId } = facts;
  // "OPTIONS *" is about the whole host.
  const rooted = head.path.startsWith('/') ? facts : { ...facts, head: { ...head, path: '/', target: '/' } };
  let location = '';
  for (const segment of to)
    location += typeof segment === 'string' ? segment : visible(valueOf(segment, rooted));
  // What a browser reads as another host is not made of a path.
  if (location.startsWith('/')) location = location.replace(/^[/\\]+/, '/');
  const fields =
    `${fieldLine('Location', visible(location))}Content-Length: 0\r\n` +
    `Cache-Control: no-store\r\nX-Request-Id: ${requestId}\r\n`;
  return { status, reason: STATUS_CODES[status] ?? 'Redirect', fields, body: '' };
}

/** As a URL may be written: what is no visible ASCII is escaped. */
function visible(text: string): string {
  return text.replace(/[^\x21-\x7e]/g, (odd) => encodeURIComponent(odd.toWellFormed()));
}
