import { setTimeout as delay } from 'node:timers/promises';
import type { ConfiguredService } from '@culvert/testkit';
import { at } from '../place.ts';
import type { Place } from '../place.ts';
import type { AgentNode, EdgeNode, RouterNode, Site } from './site.ts';

const POLL_MS = 100;
/** For a process to tell, ms. */
const TELL_MS = 5_000;

/** What edges serve at `/status`, as far as it is compared. */
interface EdgeStatus {
  readonly edge: string;
  readonly boot: string;
  readonly pools: readonly {
    readonly tunnel: string;
    readonly sessions: readonly { readonly id: string; readonly draining: boolean }[];
  }[];
  readonly holders: readonly {
    readonly tunnel: string;
    readonly askedMsAgo: number | null;
    readonly pools: readonly { readonly edge: string; readonly boot: string; readonly sessions: number }[];
  }[];
  readonly neighbours: readonly {
    readonly edge: string;
    readonly boot: string;
    readonly draining: boolean;
  }[];
}

interface AgentStatus {
  readonly tunnel: string;
  readonly links: readonly { readonly edge: string; readonly session: string; readonly state: string }[];
}

/** A session by the word of its agent. */
interface Fact {
  readonly tunnel: string;
  readonly edge: string;
  readonly session: string;
}

/** Views still differ from the truth when the time is over. */
export class ViewsDisagreeError extends Error {
  readonly disagreements: readonly string[];

  constructor(timeoutMs: number, disagreements: readonly string[]) {
    super(`after ${timeoutMs} ms:\n${disagreements.join('\n')}`);
    this.name = 'ViewsDisagreeError';
    this.disagreements = disagreements;
  }
}

/** Resolves, with the ms that it took, once every living part tells the same. @throws ViewsDisagreeError */
export async function agreement(site: Site, timeoutMs: number): Promise<number> {
  const since = performance.now();
  for (;;) {
    const differing = await disagreements(site);
    const waited = performance.now() - since;
    if (differing.length === 0) return Math.round(waited);
    if (waited > timeoutMs) throw new ViewsDisagreeError(timeoutMs, differing);
    await delay(POLL_MS);
  }
}

/** How what edges, other edges and the registry tell differs from what the agents themselves have. */
export async function disagreements(site: Site): Promise<string[]> {
  try {
    const agents = await Promise.all(alive(site.agents).map(({ admin }) => status<AgentStatus>(admin)));
    const edges = await Promise.all(alive(site.edges).map(({ admin }) => status<EdgeStatus>(admin)));
    const facts = agents.flatMap(factsOf);
    const differing = edges.flatMap((edge) => [
      ...ofPools(edge, facts),
      ...ofHolders(edge, edges, facts),
      ...ofNeighbours(edge, edges),
    ]);
    differing.push(...withoutLinks(agents));
    for (const router of alive(site.routers))
      differing.push(...(await ofRegistry(site, router, edges, facts)));
    return differing;
  } catch (error) {
    return [`somebody does not tell: ${String(error)}`];
  }
}

/** The sessions that an agent has now: how many of them are still in some edge's pool, later, and whether it has others. */
export async function sessionsAt(
  site: Site,
  { admin }: AgentNode,
): Promise<{ readonly remaining: () => Promise<number>; readonly renewed: () => Promise<boolean> }> {
  const mine = new Set(factsOf(await status<AgentStatus>(admin)).map(({ session }) => session));
  const remaining = async (): Promise<number> => {
    const edges = await Promise.all(alive(site.edges).map((edge) => status<EdgeStatus>(edge.admin)));
    const sessions = edges.flatMap(({ pools }) => pools.flatMap((pool) => pool.sessions));
    return sessions.filter(({ id }) => mine.has(id)).length;
  };
  const renewed = async (): Promise<boolean> => {
    const facts = factsOf(await status<AgentStatus>(admin));
    return facts.length > 0 && facts.every(({ session }) => !mine.has(session));
  };
  return { remaining, renewed };
}

/** How many sessions of some tunnels an edge has now. */
export async function sessionsOf({ admin }: EdgeNode, tunnels: readonly string[]): Promise<number> {
  const { pools } = await status<EdgeStatus>(admin);
  const theirs = pools.filter(({ tunnel }) => tunnels.includes(tunnel));
  return theirs.reduce((sum, { sessions }) => sum + sessions.length, 0);
}

function alive<Node extends { readonly service: ConfiguredService }>(nodes: readonly Node[]): Node[] {
  return nodes.filter(({ service }) => service.started && service.process.alive);
}

async function status<Status>(admin: Place): Promise<Status> {
  const response = await fetch(`http://${at(admin)}/status`, { signal: AbortSignal.timeout(TELL_MS) });
  return (await response.json()) as Status;
}

function factsOf({ tunnel, links }: AgentStatus): Fact[] {
  const attached = links.filter(({ state }) => state === 'attached');
  const edges = new Map(attached.map(({ session, edge }) => [session, edge]));
  return [...edges].map(([session, edge]) => ({ tunnel, edge, session }));
}

function withoutLinks(agents: readonly AgentStatus[]): string[] {
  return agents
    .filter((agent) => factsOf(agent).length === 0)
    .map(({ tunnel }) => `an agent of ${tunnel} has no link`);
}

function ofPools({ edge, pools }: EdgeStatus, facts: readonly Fact[]): string[] {
  const believed = pools.flatMap(({ sessions }) =>
    sessions.flatMap(({ id, draining }) => (draining ? [] : [id])),
  );
  const true_ = facts.filter((fact) => fact.edge === edge).map(({ session }) => session);
  return differences(`sessions of ${edge}`, believed, true_);
}

/** After this an edge asks again before it uses what it knows, and that nobody holds a pool, ms. */
const HOLDERS_FRESH_MS = 30_000;
const NOBODY_FRESH_MS = 500;

/** Of the tunnels that an edge was asked for; one that it will ask for before the next use says nothing yet. */
function ofHolders(self: EdgeStatus, edges: readonly EdgeStatus[], facts: readonly Fact[]): string[] {
  return self.holders.flatMap(({ tunnel, askedMsAgo, pools }) => {
    if (askedMsAgo === null || askedMsAgo > (pools.length === 0 ? NOBODY_FRESH_MS : HOLDERS_FRESH_MS))
      return [];
    const believed = pools.map(({ edge, boot, sessions }) => `${edge} (${boot}): ${sessions}`);
    const true_ = edges.flatMap(({ edge, boot }) => {
      const sessions = facts.filter((fact) => fact.edge === edge && fact.tunnel === tunnel).length;
      return sessions === 0 || edge === self.edge ? [] : [`${edge} (${boot}): ${sessions}`];
    });
    return differences(`holders of ${tunnel} as ${self.edge} knows them`, believed, true_);
  });
}

function ofNeighbours(self: EdgeStatus, edges: readonly EdgeStatus[]): string[] {
  const believed = self.neighbours.map(
    ({ edge, boot, draining }) => `${edge} (${boot})${draining ? ' draining' : ''}`,
  );
  const true_ = edges.filter(({ edge }) => edge !== self.edge).map(({ edge, boot }) => `${edge} (${boot})`);
  return differences(`neighbours of ${self.edge}`, believed, true_);
}

async function ofRegistry(
  site: Site,
  router: RouterNode,
  edges: readonly EdgeStatus[],
  facts: readonly Fact[],
): Promise<string[]> {
  const sessions = await site.list<{ id: string; edge: string; draining: boolean }>('sessions', router);
  const registered = await site.list<{ id: string; boot: string }>('edges', router);
  return [
    ...differences(
      'sessions in the registry',
      sessions.flatMap(({ id, edge, draining }) => (draining ? [] : [`${id} at ${edge}`])),
      facts.map(({ session, edge }) => `${session} at ${edge}`),
    ),
    ...differences(
      'edges in the registry',
      registered.map(({ id, boot }) => `${id} (${boot})`),
      edges.map(({ edge, boot }) => `${edge} (${boot})`),
    ),
  ];
}

function differences(what: string, believed: readonly string[], true_: readonly string[]): string[] {
  const stale = believed.filter((one) => !true_.includes(one)).map((one) => `${what}: stale ${one}`);
  const absent = true_.filter((one) => !believed.includes(one)).map((one) => `${what}: missing ${one}`);
  return [...stale, ...absent];
}
