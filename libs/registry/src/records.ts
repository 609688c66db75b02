import type { Route } from '@culvert/signals';

/** Who put a record there: the router's file, the admin API, or an agent that claimed the route. */
export type Source = 'file' | 'api' | 'claim';

export interface TunnelRecord {
  /** A UUID in lower case. */
  readonly id: string;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly source: Source;
}

/** What a token may do. The token itself is stored nowhere. */
export interface TokenRecord {
  /** Made of the digest by `tokenId`. */
  readonly id: string;
  readonly name: string;
  /** SHA-256 of the token in hex. */
  readonly digest: string;
  /** The tunnels it may serve; `*` stands for any, also for those that nobody has created. */
  readonly tunnels: readonly string[] | '*';
  /** Patterns of the hostnames that it may claim; `*` stands for any. */
  readonly hostnames: readonly string[];
  /** Ports that it may claim. */
  readonly ports: readonly PortRange[];
  readonly createdAt: number;
  readonly source: Source;
}

/** Both ends belong to it. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** A route with the policy keys of its configuration, which the registry keeps as given. */
export type PolicyRoute = Route & { readonly [policy: string]: unknown };

export interface RouteRecord {
  readonly route: PolicyRoute;
  readonly source: Source;
}

/** A hostname pattern or a port that an agent's token wants to lead to a tunnel; exactly one of the two is there. */
export interface Claim {
  readonly hostname?: string;
  readonly port?: number;
  readonly tunnel: string;
  readonly digest: string;
}

/** Known and compared by the first half of the digest: 128 bits tell any two tokens apart. */
export const tokenId = (digest: string): string => digest.slice(0, 32);
