import { isIP, connect as connectPlain, type Socket } from 'node:net';
import type { Service } from '../service.ts';

/** A service that is reached over a connection. */
export type Endpoint = Exclude<Service, { readonly kind: 'status' }>;

/** What a TLS session with an upstream may ask for. */
export interface UpstreamTls {
  /** Authorities that vouch for it, PEM; absent: the system's. */
  readonly ca?: string;
  /** `never` takes any certificate. */
  readonly verify?: 'always' | 'never';
}

/** Probes find out that an upstream machine is gone although its connection says nothing. */
const KEEP_ALIVE_MS = 60_000;

/** Half-open, so that a raw connection carries the end of each direction by itself. */
const SOCKET_OPTIONS = {
  noDelay: true,
  allowHalfOpen: true,
  keepAlive: true,
  keepAliveInitialDelay: KEEP_ALIVE_MS,
} as const;

/** Begins to connect; `establishedBy` names the event after which it is done. */
export function openSocket(endpoint: Endpoint, tls: UpstreamTls, session: Buffer | undefined): Socket {
  if (endpoint.kind === 'unix') return connectPlain({ path: endpoint.path, allowHalfOpen: true });
  const { host, port } = endpoint;
  if (endpoint.kind !== 'https') return connectPlain({ host, port, ...SOCKET_OPTIONS });
  // Loaded by the first use: an agent whose services are all plain does without its memory.
  return process.getBuiltinModule('node:tls').connect({
    host,
    port,
    ...SOCKET_OPTIONS,
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: tls.verify !== 'never',
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(session === undefined ? {} : { session }),
  });
}

export function establishedBy(endpoint: Endpoint): 'connect' | 'secureConnect' {
  return endpoint.kind === 'https' ? 'secureConnect' : 'connect';
}

/** The endpoint as it is written in the configuration, for logs. */
export function endpointText(endpoint: Endpoint): string {
  if (endpoint.kind === 'unix') return `unix:${endpoint.path}`;
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  return `${endpoint.kind}://${host}:${endpoint.port}`;
}
