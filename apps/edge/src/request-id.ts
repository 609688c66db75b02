import { randomBytes } from 'node:crypto';

const PREFIX = randomBytes(6).toString('hex');
let count = 0;

/** A name for one request, unique over all edges: random for the process, counted within it. */
export function newRequestId(): string {
  count++;
  return `${PREFIX}-${count.toString(36)}`;
}
