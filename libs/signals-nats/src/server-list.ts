/** Where to connect, as the NATS client takes it. */
export interface ServerList {
  readonly servers: string[];
  readonly tls: boolean;
  readonly user?: string;
  readonly pass?: string;
  /** A user without a password is a token, as in other NATS clients. */
  readonly token?: string;
}

/** An address of a NATS server that cannot be used. */
export class NatsAddressError extends Error {
  readonly address: string;

  constructor(address: string, reason: string, options?: ErrorOptions) {
    super(`nats server ${JSON.stringify(address)}: ${reason}`, options);
    this.name = 'NatsAddressError';
    this.address = address;
  }
}

/**
 * Reads `nats://user:pass@host:port`, `tls://host:port` or `host:port`; a string may hold several, separated by
 * commas. One TLS address turns TLS on for all, and credentials are those of the cluster.
 */
export function parseServers(servers: string | readonly string[]): ServerList {
  const addresses = (typeof servers === 'string' ? servers.split(',') : servers).map((one) => one.trim());
  const urls = addresses.map(parseAddress);
  const named = urls.find((url) => url.username !== '');
  for (const [at, url] of urls.entries()) {
    if (named === undefined || url.username === '') continue;
    if (url.username !== named.username || url.password !== named.password) {
      throw new NatsAddressError(
        redact(addresses[at] ?? ''),
        'all servers must have the same user and password',
      );
    }
  }
  return {
    servers: urls.map((url) => `${url.hostname}:${url.port === '' ? 4222 : url.port}`),
    tls: urls.some((url) => url.protocol === 'tls:'),
    ...(named === undefined ? {} : credentials(named)),
  };
}

function parseAddress(address: string): URL {
  const url = URL.parse(address.includes('://') ? address : `nats://${address}`);
  if (url === null || url.hostname === '') throw new NatsAddressError(redact(address), 'not an address');
  if (url.protocol !== 'nats:' && url.protocol !== 'tls:') {
    throw new NatsAddressError(redact(address), 'the scheme must be nats:// or tls://');
  }
  return url;
}

function credentials(url: URL): Pick<ServerList, 'user' | 'pass' | 'token'> {
  const user = decodeURIComponent(url.username);
  return url.password === '' ? { token: user } : { user, pass: decodeURIComponent(url.password) };
}

/** Errors are logged, so they never show a password. */
const redact = (address: string): string => address.replace(/\/\/.*@/, '//…@');
