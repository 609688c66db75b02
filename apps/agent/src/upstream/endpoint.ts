import { isIP, connect as connectPlain, type Socket } from 'node:net';
import type { Service } from '../service.ts';

/** A service that is reached over a connection. */
export type Endpoint = Exclude<Service, { readonly kind: 'status' }>;

/** What a TLS session with an upstream may ask for. */
export interface UpstreamTls {
  /** Authorities that vouch for it, PEM; absent: the system's. */
  readonly ca?: string;
  /** False takes any certificate; absent: true. */
  readonly verify?: boolean;
  /** Asked for and looked for in the certificate; absent: the service's host. */
  readonly serverName?: string;
  /** The agent's own certificate chain and key, PEM. */
  readonly cert?: string;
  readonly key?: string;
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
}

/** How a socket is opened. */
export interface SocketOptions {
  readonly tls: UpstreamTls;
  /** What may be spoken in TLS, by ALPN. */
  readonly protocols: string[];
  /** Of an earlier TLS connection, to be resumed. */
  readonly session: Buffer | undefined;
  /** Each direction ends by itself, as raw connections need it. */
  readonly halfOpen: boolean;
}

/** Probes find out that an upstream machine is gone although its connection says nothing. */
const KEEP_ALIVE_MS = 60_000;
const TCP_OPTIONS = { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS } as const;

/** Begins to connect; `establishedBy` names the event after which it is done. */
export function openSocket(endpoint: Endpoint, options: SocketOptions): Socket {
  const { halfOpen: allowHalfOpen } = options;
  if (endpoint.kind === 'unix') return connectPlain({ path: endpoint.path, allowHalfOpen });
  const { host, port } = endpoint;
  if (endpoint.kind !== 'https') return connectPlain({ host, port, allowHalfOpen, ...TCP_OPTIONS });
  const { tls, protocols, session } = options;
  const name = tls.serverName ?? host;
  // Loaded by the first use: an agent whose services are all plain does without its memory.
  return process.getBuiltinModule('node:tls').connect({
    host,
    port,
    ...{ allowHalfOpen, ...TCP_OPTIONS },
    ALPNProtocols: protocols,
    rejectUnauthorized: tls.verify !== false,
    ...(isIP(name) === 0 ? { servername: name } : {}),
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
    ...(tls.minVersion === undefined ? {} : { minVersion: tls.minVersion }),
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
