import type { Claims, Route } from '@culvert/signals';

/** What makes a route one of a kind: at most one route exists for each. */
export type RouteKey = { readonly hostname: string; readonly path?: string } | { readonly port: number };

/**
 * The id of the route for a hostname pattern and path, or for a port, fit for a URL: `:10022`, `.example.com`, or
 * `api.example.com~` and the path in base64url. It says where the route is stored, so ids need no index.
 */
export function routeId(route: Omit<Route, 'id' | 'tunnel'>): string {
  if (route.port !== undefined) return `:${route.port}`;
  const path = route.path === undefined ? '' : `~${Buffer.from(route.path).toString('base64url')}`;
  return `${route.hostname ?? ''}${path}`;
}

/** The inverse of `routeId`; undefined for what is no such id. */
export function routeKey(id: string): RouteKey | undefined {
  if (id.startsWith(':')) {
    const port = Number(id.slice(1));
    return Number.isInteger(port) && routeId({ port }) === id ? { port } : undefined;
  }
  const [hostname = '', encoded] = id.split('~', 2);
  if (hostname === '') return undefined;
  return encoded === undefined
    ? { hostname }
    : { hostname, path: Buffer.from(encoded, 'base64url').toString() };
}

/** The ids of the routes that claims make. */
export function claimIds({ hostnames, ports }: Claims): string[] {
  return [...hostnames.map((hostname) => routeId({ hostname })), ...ports.map((port) => routeId({ port }))];
}
