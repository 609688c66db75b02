import { isIP, isIPv6 } from 'node:net';
import type { ListenAddress } from '@culvert/lifecycle';
import { parseHostname } from './hostname-pattern.ts';

const FORM = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/;
const MAX_PORT = 65_535;

/** `:8080` (host empty: all addresses), `127.0.0.1:8080`, `[::1]:8080` or `name:8080`; `undefined` for other texts. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const match = FORM.exec(text);
  if (match === null) return undefined;
  const [, bracketed, plain, digits] = match;
  const port = Number(digits);
  if (port > MAX_PORT) return undefined;
  if (bracketed !== undefined) return isIPv6(bracketed) ? { host: bracketed, port } : undefined;
  const host = plain === '' || plain === undefined ? '' : hostOf(plain);
  return host === undefined ? undefined : { host, port };
}

/** An address to connect to: as above, but with a host and a port other than 0. */
export function parseHostPort(text: string): ListenAddress | undefined {
  const address = parseListenAddress(text);
  return address === undefined || address.host === '' || address.port === 0 ? undefined : address;
}

/** Whether the host is this machine itself, so that nothing sent there crosses a network. */
export function isLoopback(host: string): boolean {
  if (host === '::1' || host === 'localhost' || host.endsWith('.localhost')) return true;
  return isIP(host) === 4 && host.startsWith('127.');
}

function hostOf(text: string): string | undefined {
  // A name of digits and dots only is a mistyped address, not a name.
  if (/^[\d.]+$/.test(text)) return isIP(text) === 4 ? text : undefined;
  return parseHostname(text);
}
