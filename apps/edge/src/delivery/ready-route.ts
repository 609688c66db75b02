import type { Route } from '@culvert/signals';
import type { HttpTimeouts } from '../http/http-context.ts';
import { compilePolicy } from '../policy/policy.ts';
import type { Policy } from '../policy/policy.ts';

/** What is left of a route once its hostname and path, or its port, have matched. */
export interface ReadyRoute {
  readonly tunnel: string;
  /** TLS for the hostname is not terminated. */
  readonly passesTls: boolean;
  /** Undefined where the route does nothing but lead to its tunnel. */
  readonly policy: Policy | undefined;
}

/** @param timeouts the edge's own. Throws PolicyError. */
export function readyRoute(route: Route, timeouts: HttpTimeouts): ReadyRoute {
  return {
    tunnel: route.tunnel,
    passesTls: route.tls === 'passthrough',
    policy: compilePolicy(route, timeouts),
  };
}
