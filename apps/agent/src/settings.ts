import { pathPatternProblem } from '@culvert/routing';
import {
  adminSection,
  count,
  drainTimeout,
  duration,
  edgeAddress,
  filePath,
  hostnamePattern,
  list,
  logSection,
  name,
  optional,
  optionalSection,
  port,
  optionalList,
  secret,
  section,
  size,
  uuid,
  type SettingsOf,
  reusePort,
} from '@culvert/settings';
import { ingressRule } from './ingress-rule.ts';

export { type IngressRule } from './ingress-rule.ts';
export { parseService, type Service } from './service.ts';
export type AgentSettings = SettingsOf<typeof agentSchema>;

/** What an agent's file may say. */
export const agentSchema = (folder: string) =>
  section('an agent', {
    tunnel: uuid('the tunnel that this agent serves'),
    token: secret("the tunnel's token"),
    edges: list('edges to attach to; others are learned from them', edgeAddress('one edge'), { min: 1 }),
    links: count('links to keep, spread over the edges; 1 stays with the first edge', 4, { max: 16 }),
    ca: optional(filePath("authorities that vouch for edges, PEM; absent: the system's", folder)),
    region: optional(name('edges of this region are preferred')),
    ingress: list('what to forward where: the first rule that fits decides', ingressRule(folder), {
      min: 1,
      check: checkRules,
    }),
    claims: claims(),
    upstream: upstream(),
    limits: limits(),
    admin: optional(adminSection()),
    reusePort: reusePort(),
    drainTimeout: drainTimeout(),
    log: logSection(),
  });

/** As with cloudflared: the last rule takes the rest, and only the last one does. */
function* checkRules(rules: readonly { readonly hostname?: string; readonly path?: string }[]) {
  for (const [at, { hostname, path }] of rules.entries()) {
    const takesAll = hostname === undefined && path === undefined;
    const last = at === rules.length - 1;
    if (last && !takesAll) {
      yield { path: [at], message: 'the last rule must take the rest: leave out "hostname" and "path"' };
    }
    if (!last && takesAll)
      yield { path: [at], message: 'takes everything, so the rules after it never apply' };
    const problem = path === undefined ? undefined : pathPatternProblem(path);
    if (problem !== undefined) yield { path: [at, 'path'], message: problem };
  }
}

const claims = () =>
  optionalSection('routes that the agent asks for itself; its token must allow them', {
    hostnames: optionalList('hostnames', hostnamePattern('one hostname')),
    ports: optionalList('public ports', port('one port')),
  });

const upstream = () =>
  optionalSection('connections to the services', {
    connectTimeout: duration('for a connection to be made', '5s'),
    firstByteTimeout: duration('for an answer to begin, from the end of the request', '60s'),
    keepAlive: duration('how long an unused connection is kept', '60s'),
    maxIdle: count('unused connections that are kept for one service', 1_024, { min: 0 }),
    maxRequests: optional(
      count(
        'requests and connections at a time at one service; those beyond go to other agents; absent: any',
      ),
    ),
  });

const limits = () =>
  optionalSection('what is refused rather than run out of', {
    streamsPerLink: count('requests and connections at a time on one link', 10_000),
    headerSize: size('head of a request or of an answer', '32KiB'),
    headerCount: count('fields in a head', 128),
    buffer: size('most that all streams may have sent and nobody taken', '64MiB'),
  });
