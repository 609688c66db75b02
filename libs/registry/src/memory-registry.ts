import { randomUUID } from 'node:crypto';
import type { EdgeInfo, SessionInfo, SessionsMessage } from '@culvert/signals';
import { MemoryClaims } from './memory-claims.ts';
import { MemoryEdges } from './memory-edges.ts';
import { pageOf } from './page-of.ts';
import { namesAbove, reaches, splitPattern } from './reach.ts';
import type { Claim, RouteRecord, TokenRecord, TunnelRecord } from './records.ts';
import { DEFAULT_REGISTRY_TIMES } from './registry.ts';
import type {
  ClaimOutcome,
  DeletedTunnel,
  LeaseOutcome,
  Listed,
  Page,
  Registry,
  RegistryState,
  RegistryTimes,
} from './registry.ts';
import { routeId } from './route-id.ts';

export interface MemoryRegistryOptions {
  readonly times?: Partial<RegistryTimes>;
  /** Milliseconds that never go back. */
  readonly now?: () => number;
}

/** The registry of one process. Always connected; its content ends with the process. */
export class MemoryRegistry implements Registry {
  readonly state: RegistryState = 'connected';
  readonly #epoch = randomUUID();
  readonly #tunnels = new Map<string, TunnelRecord>();
  readonly #tokens = new Map<string, TokenRecord>();
  readonly #routes = new Map<string, RouteRecord>();
  /** Ids of the routes whose pattern has this name. */
  readonly #byName = new Map<string, Set<string>>();
  readonly #claims: MemoryClaims;
  readonly #edges: MemoryEdges;

  constructor(options: MemoryRegistryOptions = {}) {
    const times = { ...DEFAULT_REGISTRY_TIMES, ...options.times };
    const now = options.now ?? ((): number => performance.now());
    this.#claims = new MemoryClaims(times, now);
    this.#edges = new MemoryEdges(times, now);
  }

  onState(): () => void {
    return () => undefined;
  }

  epoch(): Promise<string> {
    return Promise.resolve(this.#epoch);
  }

  putTunnel(tunnel: TunnelRecord): Promise<void> {
    this.#tunnels.set(tunnel.id, tunnel);
    return Promise.resolve();
  }

  tunnel(id: string): Promise<TunnelRecord | undefined> {
    return Promise.resolve(this.#tunnels.get(id));
  }

  async tunnels(page: Page): Promise<Listed<TunnelRecord>> {
    return Promise.resolve(pageOf(this.#tunnels, page));
  }

  deleteTunnel(id: string): Promise<DeletedTunnel | undefined> {
    const tunnel = this.#tunnels.get(id);
    if (tunnel === undefined) return Promise.resolve(undefined);
    this.#tunnels.delete(id);
    const routes = [...this.#routes.values()].filter(({ route }) => route.tunnel === id);
    for (const { route } of routes) this.#removeRoute(route.id);
    const tokens = [...this.#tokens.values()].filter((token) => servesOnly(token, id));
    for (const token of tokens) this.#tokens.delete(token.id);
    return Promise.resolve({ tunnel, routes, tokens });
  }

  putToken(token: TokenRecord): Promise<void> {
    this.#tokens.set(token.id, token);
    return Promise.resolve();
  }

  token(id: string): Promise<TokenRecord | undefined> {
    return Promise.resolve(this.#tokens.get(id));
  }

  async tokens(page: Page): Promise<Listed<TokenRecord>> {
    return Promise.resolve(pageOf(this.#tokens, page));
  }

  deleteToken(id: string): Promise<TokenRecord | undefined> {
    const token = this.#tokens.get(id);
    this.#tokens.delete(id);
    return Promise.resolve(token);
  }

  putRoute(record: RouteRecord, mode: 'create' | 'replace'): Promise<'stored' | 'exists'> {
    const present = this.#routes.get(record.route.id);
    if (mode === 'create' && present !== undefined && present.source !== 'claim')
      return Promise.resolve('exists');
    this.#claims.release(record.route.id);
    this.#storeRoute(record);
    return Promise.resolve('stored');
  }

  route(id: string): Promise<RouteRecord | undefined> {
    return Promise.resolve(this.#routes.get(id));
  }

  async routes(page: Page): Promise<Listed<RouteRecord>> {
    return Promise.resolve(pageOf(this.#routes, page));
  }

  deleteRoute(id: string): Promise<RouteRecord | undefined> {
    return Promise.resolve(this.#removeRoute(id));
  }

  routesFor(hostname: string): Promise<RouteRecord[]> {
    const ids = namesAbove(hostname).flatMap((name) => [...(this.#byName.get(name) ?? [])]);
    return Promise.resolve(
      this.#records(ids).filter(({ route }) => reaches(splitPattern(route.hostname ?? ''), hostname)),
    );
  }

  portRoutes(): Promise<RouteRecord[]> {
    return Promise.resolve([...this.#routes.values()].filter(({ route }) => route.port !== undefined));
  }

  claim(claim: Claim): Promise<ClaimOutcome> {
    const id = routeId(claim);
    const present = this.#routes.get(id);
    if (present !== undefined && present.source !== 'claim') {
      return Promise.resolve(present.route.tunnel === claim.tunnel ? 'configured' : 'taken');
    }
    if (this.#claims.hold(id, claim) === 'taken') return Promise.resolve('taken');
    if (present?.route.tunnel === claim.tunnel) return Promise.resolve('held');
    const { digest: _, ...target } = claim;
    this.#storeRoute({ route: { id, ...target }, source: 'claim' });
    return Promise.resolve('granted');
  }

  expireClaims(): Promise<RouteRecord[]> {
    const records = this.#records(this.#claims.expired());
    for (const { route } of records) this.#removeRoute(route.id);
    return Promise.resolve(records);
  }

  renewLease(edge: EdgeInfo): Promise<LeaseOutcome> {
    const outcome = this.#edges.renew(edge);
    if (outcome !== 'fenced') {
      for (const session of this.#edges.sessionsOf(edge.id)) this.#claims.keep(session);
    }
    return Promise.resolve(outcome);
  }

  endLease(id: string, boot: string): Promise<'ended' | 'fenced'> {
    return Promise.resolve(this.#edges.end(id, boot));
  }

  edges(): Promise<EdgeInfo[]> {
    return Promise.resolve(this.#edges.list());
  }

  applySessions(message: SessionsMessage): Promise<'applied' | 'fenced'> {
    return Promise.resolve(this.#edges.apply(message));
  }

  async sessions(page: Page & { readonly tunnel?: string }): Promise<Listed<SessionInfo>> {
    const sessions = this.#edges
      .sessions()
      .filter(({ tunnel }) => page.tunnel === undefined || page.tunnel === tunnel)
      .map((session) => [`${session.edge} ${session.tunnel} ${session.id}`, session] as const);
    return Promise.resolve(pageOf(new Map(sessions), page));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #records(ids: readonly string[]): RouteRecord[] {
    return ids.map((id) => this.#routes.get(id)).filter((record) => record !== undefined);
  }

  #storeRoute(record: RouteRecord): void {
    const { id, hostname } = record.route;
    this.#routes.set(id, record);
    if (hostname === undefined) return;
    const { name } = splitPattern(hostname);
    this.#byName.set(name, (this.#byName.get(name) ?? new Set()).add(id));
  }

  #removeRoute(id: string): RouteRecord | undefined {
    const record = this.#routes.get(id);
    if (record === undefined) return undefined;
    this.#routes.delete(id);
    this.#claims.release(id);
    const { name } = splitPattern(record.route.hostname ?? '');
    const ids = this.#byName.get(name);
    ids?.delete(id);
    if (ids?.size === 0) this.#byName.delete(name);
    return record;
  }
}

const servesOnly = (token: TokenRecord, tunnel: string): boolean =>
  token.tunnels !== '*' && token.tunnels.every((id) => id === tunnel);
