import { needMore } from './verdict.ts';
import type { Verdict } from './verdict.ts';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
const CR = 0x0d;
const LF = 0x0a;
const TAB = 0x09;
const SPACE = 0x20;
const LAST_VISIBLE = 0x7e;

/** The longest method that is still taken for one. */
const MAX_METHOD = 64;
const LEADING_EMPTY_LINES = 2;

const TOKEN = new Uint8Array(256);
for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
  TOKEN[char.charCodeAt(0)] = 1;
}

/**
 * HTTP/2 by its preface; HTTP/1 by a token and then a byte that text may hold. That is lenient on purpose: whoever
 * speaks broken HTTP gets an answer from the parser, only what is no text at all is unknown.
 */
export function sniffHttp(bytes: Buffer): Verdict {
  const same = commonPrefix(bytes);
  if (same === PREFACE.length) return { kind: 'http2' };
  if (same === bytes.length) return needMore(PREFACE.length);
  return sniffMethod(bytes, pastEmptyLines(bytes));
}

function commonPrefix(bytes: Buffer): number {
  const length = Math.min(bytes.length, PREFACE.length);
  let at = 0;
  while (at < length && bytes[at] === PREFACE[at]) at += 1;
  return at;
}

/** RFC 9112 §2.2: empty lines before a request line are ignored. */
function pastEmptyLines(bytes: Buffer): number {
  let at = 0;
  while (at < 2 * LEADING_EMPTY_LINES && bytes[at] === CR && bytes[at + 1] === LF) at += 2;
  return at;
}

function sniffMethod(bytes: Buffer, start: number): Verdict {
  let at = start;
  const last = Math.min(bytes.length, start + MAX_METHOD + 1);
  while (at < last && TOKEN[bytes[at]!] === 1) at += 1;
  if (at === start + MAX_METHOD + 1) return { kind: 'unknown' };
  if (at === bytes.length || (at === start && isHalfLine(bytes, at))) return needMore(bytes.length + 1);
  return at > start && isText(bytes[at]!) ? { kind: 'http1' } : { kind: 'unknown' };
}

function isHalfLine(bytes: Buffer, at: number): boolean {
  return bytes[at] === CR && at + 1 === bytes.length && at < 2 * LEADING_EMPTY_LINES;
}

function isText(code: number): boolean {
  return (code >= SPACE && code <= LAST_VISIBLE) || code === TAB || code === CR || code === LF;
}
