import type { Topology } from './signal-bus.ts';
import type { StoreKind } from './store.ts';

export interface EdgePlan {
  readonly id: string;
  readonly region: string;
}

export interface AgentPlan {
  readonly name: string;
  readonly tunnel: TunnelName;
  readonly region: string;
  readonly links: number;
  /** Edges that its file names. */
  readonly edges: readonly string[];
}

/** Two tunnels: requests to one of them are mostly local at some edges and relayed at the others. */
export type TunnelName = 'shop' | 'wiki';

export const TUNNELS: Readonly<Record<TunnelName, string>> = {
  shop: '4d21094e-b74c-4916-86c1-d9fa36ea677b',
  wiki: '0f6c5a1e-3c0b-4c55-9d1b-2f0a8ac0be11',
};

/** Of agents that come in herds. Nothing is routed to them. */
export const HERD_TUNNELS = Array.from({ length: 100 }, (_, n) => ({
  id: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
  name: `herd-${n}`,
  token: `token-of-the-herd-${n}`,
}));

/** What an installation consists of. */
export interface SitePlan {
  readonly name: string;
  readonly topology: Topology;
  readonly store: StoreKind;
  /** NATS servers: with gateways they are named like the regions that they are in. */
  readonly nats: readonly string[];
  /** Routers by their region. */
  readonly routers: readonly string[];
  readonly edges: readonly EdgePlan[];
  readonly agents: readonly AgentPlan[];
  /** By how much the clocks of services are wrong, by their names; the others' are right. ms */
  readonly clocks?: Readonly<Record<string, number>>;
  /** How long a draining edge still accepts, and how long it finishes what runs. */
  readonly drain: { readonly drainDelay: string; readonly drainTimeout: string };
}

const EU = { region: 'eu', links: 4, edges: ['eu-1', 'eu-2'] };

/**
 * One place: three edges, a NATS cluster of three, two routers. The shop's agents are attached to the edges of their
 * region, so that the third relays; the wiki's agents hold one link to each of two edges.
 */
export const ONE_PLACE: SitePlan = {
  name: 'one place',
  topology: 'cluster',
  store: 'server',
  nats: ['nats-1', 'nats-2', 'nats-3'],
  routers: ['eu', 'eu'],
  edges: [
    { id: 'eu-1', region: 'eu' },
    { id: 'eu-2', region: 'eu' },
    { id: 'us-1', region: 'us' },
  ],
  agents: [
    { name: 'shop-1', tunnel: 'shop', ...EU },
    { name: 'shop-2', tunnel: 'shop', ...EU },
    { name: 'wiki-1', tunnel: 'wiki', region: 'us', links: 2, edges: ['us-1', 'eu-1'] },
    { name: 'wiki-2', tunnel: 'wiki', region: 'us', links: 2, edges: ['us-1', 'eu-1'] },
  ],
  drain: { drainDelay: '1s', drainTimeout: '30s' },
};

/** Two regions whose NATS servers are joined by gateways, and the registry in the first of them. */
export const TWO_REGIONS: SitePlan = {
  name: 'two regions',
  topology: 'gateways',
  store: 'server',
  nats: ['eu', 'us'],
  routers: ['eu', 'us'],
  edges: [
    { id: 'eu-1', region: 'eu' },
    { id: 'us-1', region: 'us' },
  ],
  agents: [
    // At home in both regions: each goes on with its own when they are cut off from each other.
    { name: 'shop-1', tunnel: 'shop', region: 'eu', links: 1, edges: ['eu-1'] },
    { name: 'shop-2', tunnel: 'shop', region: 'us', links: 1, edges: ['us-1'] },
    // In one region only: the other relays.
    { name: 'wiki-1', tunnel: 'wiki', region: 'eu', links: 1, edges: ['eu-1'] },
    { name: 'wiki-2', tunnel: 'wiki', region: 'eu', links: 1, edges: ['eu-1'] },
  ],
  drain: { drainDelay: '1s', drainTimeout: '30s' },
};

const BOTH = { links: 2, edges: ['eu-1', 'us-1'] };

/** As little as all of it can be seen with: two routers, two edges of which one relays to the other. */
const SMALL: Omit<SitePlan, 'name' | 'store'> = {
  topology: 'cluster',
  nats: ['nats-1'],
  routers: ['eu', 'eu'],
  edges: [
    { id: 'eu-1', region: 'eu' },
    { id: 'us-1', region: 'us' },
  ],
  agents: [
    { name: 'shop-1', tunnel: 'shop', region: 'eu', ...BOTH },
    { name: 'shop-2', tunnel: 'shop', region: 'eu', ...BOTH },
    { name: 'wiki-1', tunnel: 'wiki', region: 'us', links: 1, edges: ['us-1'] },
    { name: 'wiki-2', tunnel: 'wiki', region: 'us', links: 1, edges: ['us-1'] },
  ],
  drain: { drainDelay: '1s', drainTimeout: '30s' },
};

/** The registry in a master that sentinels look after. */
export const BEHIND_SENTINELS: SitePlan = { ...SMALL, name: 'redis behind sentinels', store: 'sentinels' };

/** The registry in a cluster of three masters. */
export const ON_CLUSTER: SitePlan = { ...SMALL, name: 'redis cluster', store: 'cluster' };

const HOUR_MS = 3_600_000;

/** No two hosts agree on what time it is. */
export const WRONG_CLOCKS: SitePlan = {
  ...SMALL,
  name: 'wrong clocks',
  store: 'server',
  clocks: {
    'router-1': HOUR_MS,
    'router-2': -HOUR_MS,
    'eu-1': -24 * HOUR_MS,
    'us-1': 5 * 60_000,
    'shop-1': HOUR_MS / 2,
    'wiki-1': -365 * 24 * HOUR_MS,
  },
};
