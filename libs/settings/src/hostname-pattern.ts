import { domainToASCII } from 'node:url';

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;
const MAX_LENGTH = 253;

/**
 * A hostname in lower case and ASCII, `.example.com` for a name and all below it, or `*.example.com` for those below
 * only; `undefined` when the text is none of these.
 */
export function parseHostnamePattern(text: string): string | undefined {
  const prefix = text.startsWith('*.') ? '*.' : text.startsWith('.') ? '.' : '';
  const name = parseHostname(text.slice(prefix.length));
  return name === undefined ? undefined : prefix + name;
}

/** A hostname in lower case and ASCII without the final dot; `undefined` when the text is none. */
export function parseHostname(text: string): string | undefined {
  const ascii = isAscii(text) ? text.toLowerCase() : domainToASCII(text);
  const name = ascii.endsWith('.') ? ascii.slice(0, -1) : ascii;
  const valid = name.length <= MAX_LENGTH && name.split('.').every((label) => LABEL.test(label));
  return valid ? name : undefined;
}

function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length;
}
