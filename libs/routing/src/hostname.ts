import { isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';

const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const MAX_LENGTH = 253;

/**
 * A hostname as routing compares it: lower case, internationalised names in their ASCII form, without port and
 * final dot, an IPv6 address in brackets. `undefined` when the text is no hostname.
 */
export function normaliseHostname(text: string): string | undefined {
  if (text.startsWith('[')) return normaliseAddress(text);
  const name = isAscii(text) ? withoutPort(text).toLowerCase() : domainToASCII(withoutPort(text));
  const bare = name.endsWith('.') ? name.slice(0, -1) : name;
  const valid = bare.length <= MAX_LENGTH && bare.split('.').every((label) => LABEL.test(label));
  return valid ? bare : undefined;
}

function normaliseAddress(text: string): string | undefined {
  const bracketed = withoutPort(text);
  const address = bracketed.slice(1, -1);
  return bracketed.endsWith(']') && isIPv6(address) && !address.includes('%')
    ? bracketed.toLowerCase()
    : undefined;
}

function withoutPort(text: string): string {
  return text.replace(/:\d{1,5}$/, (port, at: number) =>
    text.startsWith('[') && text[at - 1] !== ']' ? port : '',
  );
}

function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length;
}
