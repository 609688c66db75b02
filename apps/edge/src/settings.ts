import { formatAddress, type ListenAddress } from '@culvert/lifecycle';
import {
  addressRange,
  adminSection,
  choice,
  clientTlsSection,
  count,
  drainTimeout,
  duration,
  edgeAddressText,
  filePath,
  flag,
  hostPort,
  list,
  listenAddress,
  logSection,
  name,
  natsUrl,
  oneOrMany,
  optional,
  optionalList,
  optionalSection,
  secret,
  section,
  size,
  tlsSection,
  type SettingsOf,
  reusePort,
} from '@culvert/settings';
import { entryPoint } from './entry/entry-point-settings.ts';
import { ErrorPageError, readErrorPage } from './http/error-pages.ts';
import type { PageFiles } from './http/error-pages.ts';

/** With what the edge adds, a head stays below the largest that a frame may carry. */
const MAX_HEADER_SIZE = 98_304;
const MAX_PORT = 65_535;
/** Hosts that stand for all addresses of the machine. */
const ANYWHERE: ReadonlySet<string> = new Set(['', '0.0.0.0', '::']);

export type EdgeSettings = SettingsOf<typeof edgeSchema>;

/** What an edge's file may say. */
export const edgeSchema = (folder: string) =>
  section(
    'an edge',
    {
      id: name('what this edge is called; no two edges of an installation share it'),
      region: name('where it stands; agents and relays prefer their own region', 'default'),
      nats: optional(oneOrMany('NATS servers; absent: this edge stands alone', natsUrl('a NATS server'))),
      natsTls: optional(clientTlsSection('NATS', folder)),
      prefix: name('the installation: what its subjects start with', 'culvert'),
      secret: optional(secret('what edges prove to each other that they belong together with')),
      entryPoints: list('public listeners', entryPoint(folder), { min: 1 }),
      ...forwarding(),
      agents: optional(agents(folder)),
      peers: optional(peers(folder)),
      admin: optional(adminSection()),
      workers: count(
        'processes that share the work, on the same ports: as many as there are cores; limits count in each of them',
        1,
        { max: 128 },
      ),
      reusePort: reusePort(),
      drainTimeout: drainTimeout(),
      drainDelay: duration('how long a draining edge still accepts, so that balancers notice', '2s'),
      balance: choice(
        'which agent of a pool takes the next request: each in turn, or the one with the fewest under way',
        ['roundRobin', 'leastStreams'] as const,
        'roundRobin',
      ),
      ejection: ejection(),
      limits: limits(),
      timeouts: timeouts(),
      errors: errors(folder),
      retries: retries(),
      log: logSection(),
    },
    function* (edge) {
      yield* badWorkers(edge);
      yield* badPeers(edge.peers, edge.secret !== undefined);
      if (edge.limits.headerSize > MAX_HEADER_SIZE) {
        yield { path: ['limits', 'headerSize'], message: 'is more than a link carries: 96KiB at most' };
      }
      yield* badPages(edge.errors);
    },
  );

interface Shared {
  readonly workers: number;
  readonly nats?: unknown;
  readonly entryPoints: readonly { readonly listen: ListenAddress }[];
  readonly agents?: { readonly listen: ListenAddress } | undefined;
  readonly admin?: { readonly listen: ListenAddress } | undefined;
  readonly peers?: { readonly listen: ListenAddress; readonly advertise?: string | undefined } | undefined;
}

/** Workers share the listeners, and other edges reach each of them at a port of its own. */
function* badWorkers({ workers, nats, entryPoints, agents, admin, peers }: Shared) {
  if (workers === 1) return;
  if (nats === undefined)
    yield {
      path: ['workers'],
      message: 'needs "nats", which workers tell each other by what they hold; "culvert up" has none',
    };
  const chosen = 'each worker would get a port of its own from the system: name one';
  for (const [at, { listen }] of entryPoints.entries())
    if (listen.port === 0) yield { path: ['entryPoints', at, 'listen'], message: chosen };
  if (agents?.listen.port === 0) yield { path: ['agents', 'listen'], message: chosen };
  if (peers === undefined || peers.listen.port === 0) return;
  const { host, port: first } = peers.listen;
  const last = first + workers - 1;
  const ports = `the workers take the ports ${first} to ${last}`;
  if (last > MAX_PORT) yield { path: ['peers', 'listen'], message: `${ports}: there are none above 65535` };
  for (const other of [...entryPoints, agents, admin])
    if (other !== undefined && meets(other.listen, { host, first, last }))
      yield {
        path: ['peers', 'listen'],
        message: `${ports}: "${formatAddress(other.listen)}" is among them`,
      };
}

function meets(
  { host, port }: ListenAddress,
  taken: { readonly host: string; readonly first: number; readonly last: number },
): boolean {
  const isSameHost = host === taken.host || ANYWHERE.has(host) || ANYWHERE.has(taken.host);
  return isSameHost && port >= taken.first && port <= taken.last;
}

/** Who the client is, and what services are told of it. */
const forwarding = () => ({
  trustedProxies: optionalList(
    'load balancers and proxies in front of this edge, whose X-Forwarded-*, Forwarded, X-Real-IP and PROXY protocol are believed',
    addressRange('one of them, or a network of them'),
  ),
  forwardedHeaders: oneOrMany(
    'what services are told about the client with: X-Forwarded-For, -Host, -Proto, -Port and X-Real-IP, or Forwarded (RFC 7239)',
    choice<'x-forwarded' | 'forwarded'>('kind of fields', ['x-forwarded', 'forwarded']),
    'x-forwarded',
  ),
  via: flag('whether requests are marked with Via, which is what loops are found by', true),
  echoRequestId: flag('whether every response tells its request id, not only refusals', false),
  portRoutes: optionalSection('public TCP ports of routes', {
    proxyProtocol: choice<'require' | 'off'>(
      'whether each connection begins with a header of the PROXY protocol from a trusted proxy',
      ['require', 'off'],
      'off',
    ),
  }),
});

const agents = (folder: string) =>
  section('where agents attach, with TCP, TLS and WebSocket links; absent: no agents here', {
    listen: listenAddress('where agents arrive', ':7000'),
    advertise: optional(
      edgeAddressText('address that agents are told; absent: "listen" when it names a host'),
    ),
    tls: optional(tlsSection(folder)),
  });

const peers = (folder: string) =>
  section('where other edges arrive with what they relay; absent: none do', {
    listen: listenAddress('where other edges arrive', ':7001'),
    advertise: optional(hostPort('address that other edges are told; absent: "listen" when it names a host')),
    tls: optional(tlsSection(folder)),
    ca: optional(filePath("authorities that vouch for other edges, PEM; absent: the system's", folder)),
    mutualTls: flag(
      'whether other edges must show a certificate of "ca"; "secret" is not needed then',
      false,
    ),
  });

type Peers = SettingsOf<typeof peers>;

function* badPeers(peers: Peers | undefined, hasSecret: boolean) {
  if (peers === undefined) return;
  if (peers.mutualTls && (peers.tls === undefined || peers.ca === undefined)) {
    const message = 'needs "tls", which is what this edge shows, and "ca", which vouches for the others';
    yield { path: ['peers', 'mutualTls'], message };
  }
  if (!hasSecret && !peers.mutualTls) {
    const message = 'needs "secret": peers prove with it that they belong together; or "mutualTls"';
    yield { path: ['peers'], message };
  }
}

const ejection = () =>
  optionalSection('agents whose service fails are set aside for a while, and return slowly', {
    failures: count('failures in a row; where a service cannot be reached, the first is enough', 5),
    base: duration('for how long the first time; the second time in a short while twice as long', '5s'),
    most: duration('for how long at most', '60s'),
    share: count('percent of a pool that may be set aside; beyond, all of it is tried', 100, {
      min: 0,
      max: 100,
    }),
  });

const retries = () =>
  optionalSection('how many requests are tried again when what they went to fails', {
    share: count('percent of the requests of the last ten seconds', 20, { min: 0, max: 400 }),
    least: count('and so many in ten seconds in any case', 1_000, { min: 0 }),
  });

const errors = (folder: string) =>
  optionalSection(
    "pages for what the edge answers itself, with {status}, {title}, {code}, {reason}, {request_id} and {host}; absent: the edge's own",
    {
      html: optional(filePath('for clients that accept HTML', folder)),
      json: optional(filePath('for clients that accept JSON', folder)),
      text: optional(filePath('for all others', folder)),
    },
  );

function* badPages(files: PageFiles) {
  for (const kind of ['html', 'json', 'text'] as const) {
    const file = files[kind];
    try {
      if (file !== undefined) readErrorPage(kind, file);
    } catch (error) {
      if (!(error instanceof ErrorPageError)) throw error;
      yield { path: ['errors', kind], message: error.message };
    }
  }
}

const limits = () =>
  optionalSection('what is refused rather than run out of', {
    connections: count('public connections of all entry points', 50_000),
    connectionsPerAddress: count('public connections of one client address', 4_096),
    headerSize: size('head of a request or of an answer', '32KiB'),
    headerCount: count('fields in a head', 128),
    requests: count('requests under way at a time', 20_000),
    lag: duration(
      'how late the event loop may be before a share of what is new is refused; 0s: any',
      '250ms',
    ),
    http2Streams: count('requests at a time on one HTTP/2 connection', 128),
    bodySize: optional(size('body of a request; absent: any')),
    sessions: count('agents attached at a time', 10_000),
    sessionRate: count('agents that attach in a second, and twice as many at once', 200),
    linksPerSession: count('links of one agent', 16),
    streamsPerLink: count('requests and connections at a time on one link', 10_000),
    streamBuffer: size('most that one stream may have sent and nobody taken', '64MiB'),
    buffer: size('the same over all streams of this edge', '256MiB'),
  });

const timeouts = () =>
  optionalSection('how long the edge waits before it gives up', {
    sniff: duration('for the first bytes of a connection', '5s'),
    handshake: duration('for a TLS handshake to be over', '10s'),
    head: duration('for a complete request head, from its first byte', '15s'),
    idle: duration('for the next request on a kept connection', '75s'),
    bodyIdle: duration(
      "for the next bytes of a request's body, and for a client to take some of its answer",
      '60s',
    ),
    firstByte: duration('for an answer to begin, from the end of the request', '60s'),
    total: optional(duration('for a request and its whole answer; absent: any')),
    tunnelIdle: duration(
      'for any byte of a raw or upgraded connection, and of an answer that has begun',
      '1h',
    ),
    hello: duration('for an agent or another edge to say who it is', '5s'),
  });
