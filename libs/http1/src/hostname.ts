import { isIPv6 } from 'node:net';
import { COLON, DOT, HOSTNAME, isDigit } from './characters.ts';

const MAX_NAME = 253;
const MAX_LABEL = 63;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/**
 * The host of `host [":" port]` in lower case, without port and trailing dot, an IPv6 literal in its brackets;
 * `undefined` where the authority is malformed: user information, an empty or over-long label, a port that is
 * empty or no port, a zone, escapes, or anything beyond letters, digits, `-`, `_` and dots.
 */
export function hostnameOf(authority: string): string | undefined {
  // In UTF-8 whatever is not ASCII stays refusable; latin1 would cut it down to something that is.
  const bytes = Buffer.from(authority, 'utf8');
  const end = hostEnd(bytes, 0, bytes.length);
  return end === -1 ? undefined : authority.slice(0, end).toLowerCase();
}

/** Where the host of the authority at bytes[start, end) ends, without port and trailing dot; -1 if malformed. */
export function hostEnd(bytes: Uint8Array, start: number, end: number): number {
  if (bytes[start] === OPEN_BRACKET) return addressEnd(bytes, start, end);
  let at = start;
  let label = start;
  for (let code = 0; at < end && (code = HOSTNAME[bytes[at]!]!) !== 0; at += 1) {
    if (code !== DOT) continue;
    if (at === label || at - label > MAX_LABEL) return -1;
    label = at + 1;
  }
  if (at === start || at - label > MAX_LABEL || !endsOrHasPort(bytes, at, end)) return -1;
  const last = at === label ? at - 1 : at;
  return last - start > MAX_NAME ? -1 : last;
}

function addressEnd(bytes: Uint8Array, start: number, end: number): number {
  const close = bytes.indexOf(CLOSE_BRACKET, start);
  if (close === -1 || close >= end) return -1;
  const address = String.fromCharCode(...bytes.subarray(start + 1, close));
  if (address.includes('%') || !isIPv6(address)) return -1;
  return endsOrHasPort(bytes, close + 1, end) ? close + 1 : -1;
}

function endsOrHasPort(bytes: Uint8Array, at: number, end: number): boolean {
  return at === end || (bytes[at] === COLON && isPort(bytes, at + 1, end));
}

function isPort(bytes: Uint8Array, start: number, end: number): boolean {
  if (start === end || end - start > 5) return false;
  let port = 0;
  for (let at = start; at < end; at += 1) {
    const code = bytes[at]!;
    if (!isDigit(code)) return false;
    port = port * 10 + code - 0x30;
  }
  return port <= 65_535;
}
