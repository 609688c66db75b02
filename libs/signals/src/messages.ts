import type { RoutePolicy } from './route-policy.ts';

/**
 * What edges and routers say to each other, subject by subject. Subjects are relative: every implementation of
 * the port puts the installation's prefix before them.
 */

/** Requests to the routers, answered by one of their queue group. */
export const ROUTER_QUEUE = 'routers';
export const RESOLVE = 'router.resolve';
export const AUTHENTICATE = 'router.authenticate';
export const PORT_ROUTES = 'router.ports';
/**
 * The same question to every router instead of one of them, for who got no answer from one that hangs or has lost the
 * registry: another may still reach it, or know from before.
 */
export const everyRouter = (subject: string): string => `every.${subject}`;
/** Heartbeat of an edge: renews its lease. A router that does not know the edge's sessions asks for them. */
export const EDGE_LEASE = 'router.lease';
/** An edge leaves for good: its lease and its sessions end now. */
export const EDGE_BYE = 'router.bye';
/** Changes of an edge's sessions, sent to one router, which writes them to the registry. */
export const SESSIONS = 'router.sessions';

/** Published by routers to every edge. */
export const ROUTES_CHANGED = 'routes.changed';
export const TUNNEL_REVOKED = 'tunnel.revoked';
/** Published by a router that comes up with an empty registry: edges send their lease and sessions again. */
export const RESYNC = 'edges.resync';

/** Published by edges to edges: an edge came, changed or left. */
export const EDGE_UP = 'edges.up';
export const EDGE_LEFT = 'edges.left';

/** Asks every edge that holds a pool of the tunnel; nobody answering means nobody has one. */
export const holdersOf = (tunnel: string): string => `holders.${tunnel}`;
/** Published by an edge when its pool of the tunnel came, changed size, drains or ended. */
export const poolOf = (tunnel: string): string => `pool.${tunnel}`;

/** A rule that leads a hostname and path, or a port, to a tunnel. */
export interface Route extends RoutePolicy {
  readonly id: string;
  readonly tunnel: string;
  /** `example.com`, or `.example.com` for the name and all below it, or `*.example.com` for those below only. */
  readonly hostname?: string;
  /** `/prefix`, `= /exact` or `~ regular expression`. */
  readonly path?: string;
  /** A public TCP port; such a route has neither hostname nor path. */
  readonly port?: number;
  /** `passthrough`: TLS for the hostname goes to the tunnel untouched, also where an edge could terminate it. */
  readonly tls?: 'passthrough';
}

export interface ResolveRequest {
  readonly hostname: string;
}
/** All routes whose hostname pattern covers the name, in no order; none means that the name is unknown. */
export interface ResolveReply {
  readonly routes: readonly Route[];
}

/** A router's answer to any question that it cannot answer while the registry is away. */
export interface UnavailableReply {
  readonly error: 'registry_unavailable';
}

export interface AuthenticateRequest {
  readonly edge: string;
  readonly tunnel: string;
  /** SHA-256 of the token, in hex: the token itself stays at the edge's door. */
  readonly digest: string;
  /** Hostnames and ports that the agent itself asks to be routed to its tunnel. */
  readonly claims: Claims;
}
export interface Claims {
  readonly hostnames: readonly string[];
  readonly ports: readonly number[];
}
export type AuthenticateReply =
  | { readonly allow: true; readonly tunnelName: string }
  | {
      readonly allow: false;
      readonly reason: 'unknown_tunnel' | 'wrong_token' | 'claim_refused' | 'claim_taken';
      readonly message: string;
    };

export interface PortRoutesReply {
  readonly routes: readonly Route[];
}

/** What an edge tells of itself with every lease and with EDGE_UP. */
export interface EdgeInfo {
  readonly id: string;
  readonly region: string;
  /** A fresh random value for each start of the process: entries of an earlier start are stale. */
  readonly boot: string;
  /** The same for all workers that were started together as one edge; absent where the process is the edge. */
  readonly start?: string;
  /** `host:port` for peer links; absent when the edge takes none. */
  readonly peers?: string;
  /** Address for agents as they would write it in `edges:`; absent when the edge advertises none. */
  readonly agents?: string;
  readonly draining: boolean;
  readonly load: { readonly sessions: number; readonly streams: number; readonly connections: number };
  /** Clear words about what is wrong, such as a port that a route names and another process holds. */
  readonly warnings: readonly string[];
}
export interface LeaseReply {
  /** The registry knows none or an older set of this edge's sessions: send them all. */
  readonly resync: boolean;
}
export interface EdgeByeRequest {
  readonly id: string;
  readonly boot: string;
}

export interface SessionInfo {
  readonly id: string;
  readonly tunnel: string;
  /** The agent process, and a number that grows with each of its attachments: the newer one wins. */
  readonly agent: string;
  readonly generation: number;
  readonly edge: string;
  readonly links: number;
  readonly address: string;
  readonly version: string;
  /** Milliseconds since the epoch, by the edge's clock; for display only. */
  readonly since: number;
  readonly draining: boolean;
  /** Digest of the token that the session was admitted with, so that its claims can be told apart. */
  readonly digest: string;
  readonly claims: Claims;
}
/**
 * With `mode: 'all'` the list replaces what was known of the edge before this message; otherwise the changes are
 * applied. `seq` is 1 for the first message of a boot and grows by one with each: routers share the messages, so
 * they may be applied out of order, and one that is missing is noticed by the gap and made up by a resync.
 * One message stays small: see `sessionMessages`.
 */
export type SessionsMessage =
  | {
      readonly edge: string;
      readonly boot: string;
      readonly seq: number;
      readonly mode: 'all';
      readonly sessions: readonly SessionInfo[];
    }
  | {
      readonly edge: string;
      readonly boot: string;
      readonly seq: number;
      readonly mode: 'change';
      readonly up: readonly SessionInfo[];
      readonly down: readonly string[];
    };

/** Hostname patterns and ports whose routes changed; `all` after a reload. */
export interface RoutesChangedMessage {
  readonly hostnames: readonly string[];
  readonly ports: boolean;
  readonly all: boolean;
}
export interface TunnelRevokedMessage {
  readonly tunnel: string;
  /** Only sessions admitted with this token end; absent: all of the tunnel. */
  readonly digest?: string;
}

/** An edge's pool of one tunnel, as told to other edges. `sessions: 0` means that the pool has ended. */
export interface PoolInfo {
  readonly tunnel: string;
  readonly edge: string;
  readonly region: string;
  readonly boot: string;
  /** Empty when only other processes of the same edge can reach it. */
  readonly peers: string;
  /** Path of a Unix socket for those; absent when there is none. */
  readonly local?: string;
  readonly sessions: number;
  readonly draining: boolean;
}
