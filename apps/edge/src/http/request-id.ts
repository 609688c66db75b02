import { randomBytes } from 'node:crypto';

/** What is safe in logs, pages and fields. */
const SANE = /^[\w.:/+=@~-]{1,128}$/;
const PREFIX = randomBytes(6).toString('hex');
let count = 0;

/** A name for one request, unique over all edges: random for the process, counted within it. */
export function newRequestId(): string {
  count++;
  return `${PREFIX}-${count.toString(36)}`;
}

/** What a trusted proxy calls the request, if that is usable, otherwise a new name. */
export function requestIdFrom(given: string | undefined): string {
  return given !== undefined && SANE.test(given) ? given : newRequestId();
}
