/** `redis://` or `rediss://` URL; several of them for a cluster; or the sentinels and the name of what they watch. */
export type RedisTarget = string | readonly string[] | SentinelTarget;

export interface SentinelTarget {
  /** `host:port` or `redis://host:port` of each sentinel. */
  readonly sentinels: readonly string[];
  readonly name: string;
  /** Of the server that the sentinels watch. */
  readonly username?: string;
  readonly password?: string;
  /** Of the sentinels themselves. */
  readonly sentinelPassword?: string;
}

/** The part of the client's options that an address decides. */
export interface TargetOptions {
  readonly host?: string;
  readonly port?: number;
  readonly db?: number;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: object;
  readonly sentinelPassword?: string;
  readonly sentinels?: { host: string; port: number }[];
  readonly name?: string;
}

export type ParsedTarget =
  | { readonly kind: 'server'; readonly options: TargetOptions }
  | {
      readonly kind: 'cluster';
      readonly nodes: { host: string; port: number }[];
      readonly options: TargetOptions;
    };

/** An address of Redis that cannot be used. */
export class RedisAddressError extends Error {
  readonly address: string;

  constructor(address: string, reason: string, options?: ErrorOptions) {
    super(`redis ${JSON.stringify(address)}: ${reason}`, options);
    this.name = 'RedisAddressError';
    this.address = address;
  }
}

export function parseTarget(target: RedisTarget): ParsedTarget {
  if (typeof target === 'string') return parseServer(target);
  if ('sentinels' in target) return parseSentinels(target);
  const [first] = target;
  if (first === undefined) throw new RedisAddressError('', 'a list of nodes must not be empty');
  return {
    kind: 'cluster',
    nodes: target.map((node) => addressOf(parseUrl(node), 6_379)),
    options: accessOf(parseUrl(first)),
  };
}

function parseServer(address: string): ParsedTarget {
  const url = parseUrl(address);
  const db = url.pathname.length > 1 ? Number(url.pathname.slice(1)) : 0;
  if (!Number.isInteger(db))
    throw new RedisAddressError(redact(address), 'the path must be the number of a database');
  return { kind: 'server', options: { ...addressOf(url, 6_379), ...accessOf(url), db } };
}

function parseSentinels({ sentinels, name, ...access }: SentinelTarget): ParsedTarget {
  const options: TargetOptions = {
    sentinels: sentinels.map((sentinel) => addressOf(parseUrl(sentinel), 26_379)),
    name,
    ...access,
  };
  return { kind: 'server', options };
}

function parseUrl(address: string): URL {
  const url = URL.parse(address.includes('://') ? address : `redis://${address}`);
  if (url === null || url.hostname === '') throw new RedisAddressError(redact(address), 'not an address');
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') {
    throw new RedisAddressError(redact(address), 'the scheme must be redis:// or rediss://');
  }
  return url;
}

function addressOf(url: URL, defaultPort: number): { host: string; port: number } {
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  return { host, port: url.port === '' ? defaultPort : Number(url.port) };
}

function accessOf(url: URL): TargetOptions {
  return {
    ...(url.username === '' ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
    ...(url.protocol === 'rediss:' ? { tls: {} } : {}),
  };
}

/** Errors are logged, so they never show a password. */
const redact = (address: string): string => address.replace(/\/\/.*@/, '//…@');
