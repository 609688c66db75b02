import { parseHostPort } from '@culvert/settings';

/** What an ingress rule forwards to. */
export type Service =
  | {
      readonly kind: 'http' | 'https';
      readonly host: string;
      readonly port: number;
    }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  /** HTTP/2 by prior knowledge, in clear. */
  | { readonly kind: 'h2c'; readonly host: string; readonly port: number }
  /** HTTP over a Unix socket. */
  | { readonly kind: 'unix'; readonly path: string }
  /** An answer of the agent itself. */
  | { readonly kind: 'status'; readonly status: number };

const DEFAULT_PORTS = { http: 80, https: 443, h2c: 80 } as const;
const FORM = /^(http|https|h2c|tcp):\/\/([^/?#@]+)\/?$/;

/**
 * Reads `http://host[:port]`, `https://...`, `h2c://...`, `tcp://host:port`, `unix:PATH` or `http_status:404`;
 * `undefined` for other texts. A service is a place, so a URL with a path, a query or a user is refused.
 */
export function parseService(text: string, resolvePath: (path: string) => string): Service | undefined {
  if (text.startsWith('http_status:')) return parseStatus(text.slice('http_status:'.length));
  if (text.startsWith('unix:')) return parseUnix(text.slice('unix:'.length), resolvePath);
  const [, kind, authority = ''] = FORM.exec(text) ?? [];
  if (kind === 'tcp') return place(kind, parseHostPort(authority));
  if (kind !== 'http' && kind !== 'https' && kind !== 'h2c') return undefined;
  return place(kind, parseHostPort(authority) ?? parseHostPort(`${authority}:${DEFAULT_PORTS[kind]}`));
}

function place(
  kind: 'http' | 'https' | 'h2c' | 'tcp',
  at: { readonly host: string; readonly port: number } | undefined,
): Service | undefined {
  return at === undefined ? undefined : { kind, host: at.host, port: at.port };
}

/** The longest path that the kernel takes for a socket, in bytes. */
const MAX_SOCKET_PATH = 107;

function parseUnix(path: string, resolvePath: (path: string) => string): Service | undefined {
  const plain = path.startsWith('//') ? path.slice(2) : path;
  if (plain === '') return undefined;
  const resolved = resolvePath(plain);
  return Buffer.byteLength(resolved) > MAX_SOCKET_PATH ? undefined : { kind: 'unix', path: resolved };
}

/** Final answers only: 1xx would leave the client waiting, 204 and the like are answers too. */
function parseStatus(text: string): Service | undefined {
  return /^[2-5]\d\d$/.test(text) ? { kind: 'status', status: Number(text) } : undefined;
}
