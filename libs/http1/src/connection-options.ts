import { TOKEN } from './characters.ts';
import { isProtected } from './field-names.ts';
import { Http1Error } from './http1-error.ts';

/** The Connection fields of one message (RFC 9110 §7.6.1). */
export interface ConnectionOptions {
  readonly close: boolean;
  readonly keepAlive: boolean;
  readonly upgrade: boolean;
  /**
   * Names (lower case) of fields to drop with it. Never one that frames, addresses or vouches for the message
   * (Host, Content-Length, Transfer-Encoding, X-Forwarded-*, Forwarded, X-Real-IP, X-Request-Id, Via): those are
   * handled apart, and a client must not be able to take them away.
   */
  readonly nominated: ReadonlySet<string> | undefined;
}

const MAX_OPTIONS = 32;

const NONE: ConnectionOptions = { close: false, keepAlive: false, upgrade: false, nominated: undefined };
const COMMON: ReadonlyMap<string, ConnectionOptions> = new Map([
  ['close', { ...NONE, close: true }],
  ['Close', { ...NONE, close: true }],
  ['keep-alive', { ...NONE, keepAlive: true }],
  ['Keep-Alive', { ...NONE, keepAlive: true }],
  ['upgrade', { ...NONE, upgrade: true }],
  ['Upgrade', { ...NONE, upgrade: true }],
  ['keep-alive, Upgrade', { ...NONE, keepAlive: true, upgrade: true }],
]);

/** Reads one Connection value; `before` is what earlier Connection lines of the message said. */
export function readConnection(value: string, before: ConnectionOptions | undefined): ConnectionOptions {
  return (before === undefined ? COMMON.get(value) : undefined) ?? readList(value, before ?? NONE);
}

function readList(value: string, before: ConnectionOptions): ConnectionOptions {
  const nominated = new Set(before.nominated);
  let { close, keepAlive, upgrade } = before;
  for (const part of value.split(',')) {
    const option = part.trim().toLowerCase();
    if (option === 'close') close = true;
    else if (option === 'keep-alive') keepAlive = true;
    else if (option === 'upgrade') upgrade = true;
    else if (option !== '' && !isProtected(checked(option))) nominated.add(option);
    if (nominated.size > MAX_OPTIONS) throw new Http1Error('bad_request', 'too many connection options');
  }
  return { close, keepAlive, upgrade, nominated: nominated.size === 0 ? undefined : nominated };
}

function checked(option: string): string {
  for (let at = 0; at < option.length; at += 1) {
    if (TOKEN[option.charCodeAt(at)] === 0) throw new Http1Error('bad_request', 'bad connection option');
  }
  return option;
}
