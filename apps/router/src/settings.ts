import { pathPatternProblem } from '@culvert/routing';
import {
  choice,
  clientTlsSection,
  drainTimeout,
  either,
  hostnamePattern,
  hostPort,
  list,
  listenAddress,
  logSection,
  mapped,
  name,
  natsUrl,
  oneOrMany,
  optional,
  optionalList,
  parseHostnamePattern,
  pathRule,
  port,
  portRange,
  redisUrl,
  secret,
  section,
  text,
  textField,
  uuid,
  type Secret,
  type SettingsOf,
  reusePort,
} from '@culvert/settings';
import { badPolicy, policyKeys } from './policy-settings.ts';

export type RouterSettings = SettingsOf<typeof routerSchema>;
export type TunnelSettings = SettingsOf<typeof tunnelSchema>;
export type RouteSettings = SettingsOf<typeof routeSchema>;
export type TokenSettings = SettingsOf<typeof tokenSchema>;

/** How to reach Redis. Addresses may carry a password. */
export type RedisSettings =
  | { readonly kind: 'single'; readonly url: string }
  | { readonly kind: 'cluster'; readonly urls: readonly string[] }
  | {
      readonly kind: 'sentinel';
      readonly sentinels: readonly string[];
      readonly name: string;
      readonly username?: string;
      readonly password?: Secret;
      readonly sentinelPassword?: Secret;
    };

/** What a router's file may say. */
export const routerSchema = (folder: string) =>
  section(
    'a router',
    {
      redis: optional(redis()),
      redisReplica: optional(
        redisUrl(
          'a copy of Redis to read while Redis itself cannot be reached, such as a replica in this region',
        ),
      ),
      redisTls: optional(clientTlsSection('Redis', folder)),
      nats: optional(
        oneOrMany('NATS servers; absent: signals stay within this process', natsUrl('one NATS server')),
      ),
      natsTls: optional(clientTlsSection('NATS', folder)),
      prefix: name('the installation: what its keys and subjects start with', 'culvert'),
      admin: optional(admin()),
      tunnels: optionalList('tunnels that exist from the start', tunnelSchema()),
      routes: optionalList('routes that exist from the start', routeSchema()),
      tokens: optionalList('tokens whose holders open tunnels of their own', tokenSchema()),
      reusePort: reusePort(),
      drainTimeout: drainTimeout(),
      log: logSection(),
    },
    function* (router) {
      const { tunnels, tokens } = router;
      if (router.redisReplica !== undefined && router.redis === undefined)
        yield { path: ['redisReplica'], message: 'needs "redis", which it is a copy of' };
      yield* repeated(tunnels.map(({ id }, at) => ({ value: id, path: ['tunnels', at, 'id'] })));
      yield* repeated(tunnels.map(({ name }, at) => ({ value: name, path: ['tunnels', at, 'name'] })));
      yield* repeated(tokens.map(({ name }, at) => ({ value: name, path: ['tokens', at, 'name'] })));
      yield* sharedTokens([
        ...tunnels.map(({ token }, at) => ({ value: token.reveal(), path: ['tunnels', at, 'token'] })),
        ...tokens.map(({ token }, at) => ({ value: token.reveal(), path: ['tokens', at, 'token'] })),
      ]);
    },
  );

/** A tunnel, as a file or the body of a request writes it. */
export const tunnelSchema = () =>
  section('a tunnel', {
    id: uuid('identifies the tunnel'),
    name: text('what people call it'),
    token: secret('what agents attach with'),
  });

/** A route, as a file or the body of a request writes it. */
export const routeSchema = () =>
  section(
    'a rule that leads a hostname, or a public port, to a tunnel',
    {
      hostname: optional(hostnamePattern('name or pattern; the exact name beats the longest pattern')),
      path: optional(pathRule('which paths of the hostname; absent: all')),
      port: optional(port('public TCP port that every edge binds')),
      tunnel: uuid('the tunnel that it leads to'),
      tls: optional(
        choice<'passthrough'>(
          'TLS for the hostname goes to the tunnel untouched, whatever certificates edges have',
          ['passthrough'],
        ),
      ),
      ...policyKeys(),
    },
    function* (route) {
      if ((route.hostname === undefined) === (route.port === undefined)) {
        yield { path: [], message: 'needs either "hostname" or "port"' };
      }
      if (route.path !== undefined && route.hostname === undefined) {
        yield { path: ['path'], message: 'needs "hostname": raw TCP has no paths' };
      }
      if (route.tls !== undefined && (route.hostname === undefined || route.path !== undefined)) {
        yield {
          path: ['tls'],
          message: 'needs "hostname" without "path": only a server name is known of TLS',
        };
      }
      yield* badPath(route.path);
      yield* badPolicy(route, route.port !== undefined);
    },
  );

/** An edge would pass over a route whose expression could take for ever. */
function* badPath(path: string | undefined) {
  const message = path === undefined ? undefined : pathPatternProblem(path);
  if (message !== undefined) yield { path: ['path'], message };
}

/** A token that is not tied to one tunnel: `culvert http` opens a tunnel of its own and claims what it serves. */
export const tokenSchema = () =>
  section('a token', {
    name: name('what people call it'),
    token: secret('what agents attach with'),
    tunnels: either<[readonly string[], '*']>(
      'tunnels that its holders may serve, or "*" for any, also for those that nobody has created',
      list('tunnels', uuid('one tunnel')),
      choice('any', ['*']),
    ),
    hostnames: optionalList('patterns of the hostnames that they may claim; "*" is any', claimablePattern()),
    ports: optionalList('public ports that they may claim', portRange('ports from-to')),
  });

const claimablePattern = () =>
  textField(
    {
      type: 'hostname pattern',
      expected: 'a hostname, ".example.com", "*.example.com" or "*"',
      parse: (text) => (text === '*' ? text : parseHostnamePattern(text)),
    },
    'one pattern',
  );

const admin = () =>
  section('REST API, dashboard, /healthz, /readyz and /metrics; absent: not served', {
    listen: listenAddress('where the admin server listens'),
    token: secret('what callers of the API show as "Authorization: Bearer TOKEN"'),
  });

const redis = () =>
  either<[RedisSettings, RedisSettings, RedisSettings]>(
    'Redis: one server, a list of nodes for Cluster, or a section for Sentinel; absent: nothing outlives this process',
    mapped(redisUrl('one server'), (url) => ({ kind: 'single', url })),
    mapped(list('nodes of a cluster', redisUrl('one node'), { min: 1 }), (urls) => ({
      kind: 'cluster',
      urls,
    })),
    mapped(sentinel(), (settings) => ({ kind: 'sentinel', ...settings })),
  );

const sentinel = () =>
  section('Redis Sentinel', {
    sentinels: list('sentinels to ask', hostPort('one sentinel'), { min: 1 }),
    name: name('the master as the sentinels call it'),
    username: optional(text('user of the master')),
    password: optional(secret('password of the master')),
    sentinelPassword: optional(secret('password of the sentinels')),
  });

interface Named {
  readonly value: string;
  readonly path: readonly (string | number)[];
}

/** What must be unique and is not; the first of each stays without blame. */
function* repeated(values: readonly Named[]): Generator<{ path: Named['path']; message: string }> {
  const seen = new Set<string>();
  for (const { value, path } of values) {
    if (seen.has(value)) yield { path, message: `${JSON.stringify(value)} is already taken in this file` };
    seen.add(value);
  }
}

/** A token says which tunnel its holder is of: the second of two would silently mean the first. */
function* sharedTokens(values: readonly Named[]): Generator<{ path: Named['path']; message: string }> {
  const first = new Map<string, string>();
  for (const { value, path } of values) {
    const owner = first.get(value);
    if (owner === undefined) first.set(value, path.join('.'));
    else yield { path, message: `is the same as ${owner}: every token must be another` };
  }
}
