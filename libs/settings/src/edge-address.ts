import { formatAddress } from '@culvert/lifecycle';
import { isLoopback, parseHostPort } from './host-port.ts';

export type LinkScheme = 'tcp' | 'tls' | 'ws' | 'wss';

/** Where and how an agent reaches an edge. */
export interface EdgeAddress {
  readonly scheme: LinkScheme;
  readonly host: string;
  readonly port: number;
  /** What a WebSocket link asks for; `/` for the other schemes. */
  readonly path: string;
  /** Token and traffic would cross a network in clear: worth a warning. */
  readonly clear: boolean;
}

const FORM = /^(?:([a-z]+):\/\/)?([^/?#@]*)(\/[^?#\s]*)?$/;
const DEFAULT_PORTS: Readonly<Record<LinkScheme, number | undefined>> = {
  tcp: undefined,
  tls: undefined,
  ws: 80,
  wss: 443,
};

/**
 * Reads `host:port`, `tcp://host:port`, `tls://host:port`, `ws://host[:port][/path]` or `wss://...`. Without a scheme
 * it is plain TCP on loopback and TLS anywhere else: nobody sends a token in clear without having asked for it.
 */
export function parseEdgeAddress(text: string): EdgeAddress | undefined {
  const match = FORM.exec(text);
  if (match === null) return undefined;
  const [, given, authority = '', path] = match;
  if (given !== undefined && !isScheme(given)) return undefined;
  const target = parseHostPort(authority) ?? withDefaultPort(authority, given);
  if (target === undefined) return undefined;
  const { host, port } = target;
  const local = isLoopback(host);
  const scheme = given ?? (local ? 'tcp' : 'tls');
  if (path !== undefined && path !== '/' && !isWebSocket(scheme)) return undefined;
  return { scheme, host, port, path: path ?? '/', clear: !local && (scheme === 'tcp' || scheme === 'ws') };
}

/** The address as people write it, always with its scheme. */
export function formatEdgeAddress(address: EdgeAddress): string {
  const path = isWebSocket(address.scheme) && address.path !== '/' ? address.path : '';
  return `${address.scheme}://${formatAddress(address)}${path}`;
}

function withDefaultPort(host: string, scheme: LinkScheme | undefined): ReturnType<typeof parseHostPort> {
  const port = scheme === undefined ? undefined : DEFAULT_PORTS[scheme];
  return port === undefined ? undefined : parseHostPort(`${host}:${port}`);
}

function isWebSocket(scheme: LinkScheme): boolean {
  return scheme === 'ws' || scheme === 'wss';
}

function isScheme(text: string): text is LinkScheme {
  return text in DEFAULT_PORTS;
}
