import { CR, LF, VALUE } from './characters.ts';
import { Http1Error } from './http1-error.ts';
import type { HeadLimits } from './limits.ts';

/** Empty lines tolerated before a request line (RFC 9112 §2.2). */
const LEADING_EMPTY_LINES = 2;

/** Where the head begins: past at most two empty lines. Call it before the first `findHeadEnd` of a message. */
export function headStart(buffer: Buffer, from: number, end: number): number {
  let at = from;
  for (let lines = 0; lines < LEADING_EMPTY_LINES; lines += 1) {
    if (at + 1 >= end || buffer[at] !== CR || buffer[at + 1] !== LF) break;
    at += 2;
  }
  return at;
}

/**
 * The index just after the CRLFCRLF that ends a head, or -1. To go on when more has arrived pass as `from` the
 * end of the last search less 3, but never an index before the head's start.
 */
export function findHeadEnd(buffer: Buffer, from: number, end: number): number {
  let at = from + 3;
  while (at < end) {
    const code = buffer[at]!;
    // A byte that is none of the four cannot be within them: the next candidate is four further.
    if (code > CR) at += 4;
    else if (code === LF && buffer[at - 1] === CR && buffer[at - 2] === LF && buffer[at - 3] === CR)
      return at + 1;
    else at += 1;
  }
  return -1;
}

/**
 * Refuses an unfinished head early, so that a peer with bare LFs gets its answer now and not at the time limit:
 * throws for a byte in [from, end) that no head may hold. `from` may move on with what has been checked, less 1.
 */
export function checkPartialHead(buffer: Buffer, from: number, end: number): void {
  for (let at = from; at < end; at += 1) {
    const code = buffer[at]!;
    if (VALUE[code] === 1) continue;
    if (code === CR && (at + 1 === end || buffer[at + 1] === LF)) continue;
    if (code === LF && at > 0 && buffer[at - 1] === CR) continue;
    throw new Http1Error('bad_request', code === CR ? 'bare CR in head' : 'control character in head');
  }
}

const ANSWER_START = Buffer.from('HTTP/1.');

/**
 * The same for a response whose head begins at `start`, which also has to begin like one: a service of another
 * protocol might never end what is no head.
 */
export function checkPartialAnswer(buffer: Buffer, start: number, from: number, end: number): void {
  for (let at = start; at < end && at < start + ANSWER_START.length; at += 1) {
    if (buffer[at] !== ANSWER_START[at - start]) {
      throw new Http1Error('upstream_protocol', 'not a response of HTTP/1.x');
    }
  }
  checkPartialHead(buffer, from, end);
}

/** What to refuse a head with that is longer than `limits.headBytes`, ended or not. */
export function unendingHead(buffer: Buffer, start: number, end: number, limits: HeadLimits): Http1Error {
  const line = buffer.subarray(start, end).indexOf(LF);
  return line === -1 || line > limits.targetBytes + limits.nameBytes
    ? new Http1Error('uri_too_long', 'request target too long')
    : new Http1Error('head_too_large', 'head too large');
}
