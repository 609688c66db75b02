import type { EdgeInfo, SessionInfo, SessionsMessage } from '@culvert/signals';
import type { Claim, RouteRecord, TokenRecord, TunnelRecord } from './records.ts';

/**
 * The port to what routers know together: tunnels, tokens, routes, and for as long as their leases last edges,
 * sessions and claims. Times run by the registry's own clock. Hostnames come normalised, ids are UUIDs.
 *
 * Every method rejects with `RegistryDownError` when the registry cannot be reached in time; whether a write has
 * happened is then unknown, and repeating it is safe.
 */
export interface Registry {
  readonly state: RegistryState;
  /** Calls back on every change of state; returns what ends the watch. */
  onState(listener: (state: RegistryState) => void): () => void;
  /** A random name of the registry's content: another one means that everything before is lost. */
  epoch(): Promise<string>;

  putTunnel(tunnel: TunnelRecord): Promise<void>;
  tunnel(id: string): Promise<TunnelRecord | undefined>;
  tunnels(page: Page): Promise<Listed<TunnelRecord>>;
  /** Deletes the tunnel, all its routes and the tokens that serve no other; undefined when it does not exist. */
  deleteTunnel(id: string): Promise<DeletedTunnel | undefined>;

  /** Stores or replaces the token of this digest. */
  putToken(token: TokenRecord): Promise<void>;
  token(id: string): Promise<TokenRecord | undefined>;
  tokens(page: Page): Promise<Listed<TokenRecord>>;
  deleteToken(id: string): Promise<TokenRecord | undefined>;

  /** Stores a route of a file or the API under its id. `create` leaves a route as it is, unless it is a claim. */
  putRoute(record: RouteRecord, mode: 'create' | 'replace'): Promise<'stored' | 'exists'>;
  route(id: string): Promise<RouteRecord | undefined>;
  routes(page: Page): Promise<Listed<RouteRecord>>;
  deleteRoute(id: string): Promise<RouteRecord | undefined>;
  /** All routes whose pattern covers the hostname, in no order. */
  routesFor(hostname: string): Promise<RouteRecord[]>;
  portRoutes(): Promise<RouteRecord[]>;

  /**
   * Makes a route of a claim. `granted` means that routes have changed, `held` that the tunnel had the claim
   * already, `configured` that a file or the API leads there anyway. A claim belongs to its tunnel for as long as
   * leases keep a session that states it, and the grace time after; until then no other tunnel gets it, unless
   * with the token that made it.
   */
  claim(claim: Claim): Promise<ClaimOutcome>;
  /** Deletes claims past their grace time and returns their routes. */
  expireClaims(): Promise<RouteRecord[]>;

  /** Begins or renews an edge's lease, and with it keeps its sessions and their claims. */
  renewLease(edge: EdgeInfo): Promise<LeaseOutcome>;
  /** Ends the lease and the sessions at once, unless another boot holds it. */
  endLease(id: string, boot: string): Promise<'ended' | 'fenced'>;
  /** The edges whose lease is running, by id. */
  edges(): Promise<EdgeInfo[]>;
  /** Applies changes of an edge's sessions, in whatever order messages come; `fenced` without a lease of that boot. */
  applySessions(message: SessionsMessage): Promise<'applied' | 'fenced'>;
  sessions(page: Page & { readonly tunnel?: string }): Promise<Listed<SessionInfo>>;

  close(): Promise<void>;
}

export type RegistryState = 'connected' | 'disconnected';

export type ClaimOutcome = 'granted' | 'held' | 'configured' | 'taken';

/** `resync`: sessions of this boot are not or not all known. `fenced`: a newer boot has taken the edge's place. */
export type LeaseOutcome = 'renewed' | 'resync' | 'fenced';

export interface DeletedTunnel {
  readonly tunnel: TunnelRecord;
  readonly routes: readonly RouteRecord[];
  readonly tokens: readonly TokenRecord[];
}

/** Which part of a list: at most `limit` items after `cursor`, as given by the part before. */
export interface Page {
  readonly limit: number;
  readonly cursor?: string;
}

export interface Listed<T> {
  readonly items: readonly T[];
  /** Absent on the last page. */
  readonly cursor?: string;
}

/** Durations in milliseconds, the same at every router. */
export interface RegistryTimes {
  readonly leaseTtl: number;
  readonly claimGrace: number;
}

export const DEFAULT_REGISTRY_TIMES: RegistryTimes = { leaseTtl: 10_000, claimGrace: 60_000 };

/** The registry cannot be used at the moment. */
export class RegistryDownError extends Error {
  constructor(options?: ErrorOptions) {
    super('the registry is unavailable', options);
    this.name = 'RegistryDownError';
  }
}

/** A cursor that no list has given out. */
export class BadCursorError extends Error {
  readonly cursor: string;

  constructor(cursor: string, options?: ErrorOptions) {
    super(`not a cursor of this list: ${JSON.stringify(cursor)}`, options);
    this.name = 'BadCursorError';
    this.cursor = cursor;
  }
}
