/**
 * Character classes of RFC 9110 §5.6.2 and RFC 3986 as tables, indexed by char code. Text is always latin1, so
 * a code above 255 (`undefined` here) belongs to no class.
 */

export const TAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SPACE = 0x20;
export const QUOTE = 0x22;
export const DASH = 0x2d;
export const DOT = 0x2e;
export const SLASH = 0x2f;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
export const EQUALS = 0x3d;
export const QUESTION = 0x3f;
export const BACKSLASH = 0x5c;

const ALPHA = 'abcdefghijklmnopqrstuvwxyz';
const DIGITS = '0123456789';

function table(fill: (code: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) => fill(code));
}

function lowerIfIn(allowed: string): (code: number) => number {
  return (code) => {
    const lower = String.fromCharCode(code).toLowerCase();
    return allowed.includes(lower) ? lower.charCodeAt(0) : 0;
  };
}

/** The lower-case code of a token character (RFC 9110 §5.6.2), 0 for all others. */
export const TOKEN = table(lowerIfIn(`${ALPHA}${DIGITS}!#$%&'*+-.^_\`|~`));

/**
 * TOKEN with `_` read as `-`: CGI-like upstreams see no difference between the two, so the names this library
 * handles itself must be recognised in both spellings.
 */
export const NAME = TOKEN.map((code) => (code === 0x5f ? DASH : code));

/** 1 for what a field value or reason phrase may hold: visible ASCII, space, tab and obs-text. */
export const VALUE = table((code) => (code === TAB || (code >= SPACE && code !== 0x7f) ? 1 : 0));

/** 1 for what a query may hold: visible ASCII but `#`. Browsers send `|`, `{`, `"` and others unescaped. */
export const QUERY = table((code) => (code > SPACE && code < 0x7f && code !== 0x23 ? 1 : 0));

/** 1 for what a path may hold: as a query, but without `?`, and without `\`, which some parsers take for `/`. */
export const PATH = QUERY.map((allowed, code) => (code === QUESTION || code === BACKSLASH ? 0 : allowed));

/** The lower-case code of a character of a registered name or IPv4 address (`_` occurs in practice), else 0. */
export const HOSTNAME = table(lowerIfIn(`${ALPHA}${DIGITS}-._`));

/** The value of a hexadecimal digit, 255 for all others. */
export const HEX = table((code) => {
  const value = '0123456789abcdef'.indexOf(String.fromCharCode(code).toLowerCase());
  return value === -1 ? 255 : value;
});

export function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}
