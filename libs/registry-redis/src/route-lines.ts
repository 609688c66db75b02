import { joinPattern, routeId, splitPattern } from '@culvert/registry';
import type { PolicyRoute, Reach, RouteRecord, Source } from '@culvert/registry';
import { packUuid, unpackUuid } from './packed-hex.ts';

/** A route as it is stored, with the half of a claim that the record does not show. */
export interface StoredRoute {
  readonly record: RouteRecord;
  /** Of a claim: the token that made it, by its packed id. */
  readonly holder?: string;
}

/** Stands where a hostname's reach would; the field is the port. */
const PORT = ':';
const SOURCES = { f: 'file', a: 'api', c: 'claim' } as const satisfies Record<string, Source>;

/** Where a route is stored: the name of its pattern, or its port. */
export function fieldOf(route: Pick<PolicyRoute, 'hostname' | 'port'>): string {
  return route.port === undefined ? splitPattern(route.hostname ?? '').name : String(route.port);
}

/**
 * All routes of one field, a line each: reach, source, packed tunnel, `|`, and then path and policy as JSON, or
 * the holder of a claim. A plain route takes 25 bytes, which lets Redis keep its hash in the compact form.
 */
export function encodeRoutes(routes: readonly StoredRoute[]): string | undefined {
  return routes.length === 0 ? undefined : routes.map(encodeRoute).join('\n');
}

export function decodeRoutes(field: string, value: string | undefined): StoredRoute[] {
  return value === undefined ? [] : value.split('\n').map((line) => decodeRoute(field, line));
}

function encodeRoute({ record: { route, source }, holder }: StoredRoute): string {
  const { id: _id, tunnel, hostname, port, ...rest } = route;
  const reach = port === undefined ? splitPattern(hostname ?? '').reach : PORT;
  const detail = holder ?? (Object.keys(rest).length === 0 ? '' : JSON.stringify(rest));
  return `${reach}${source.charAt(0)}${packUuid(tunnel)}|${detail}`;
}

function decodeRoute(field: string, line: string): StoredRoute {
  const bar = line.indexOf('|');
  const source = SOURCES[line.charAt(1) as keyof typeof SOURCES];
  const detail = line.slice(bar + 1);
  const reach = line.charAt(0);
  const target =
    reach === PORT
      ? { port: Number(field) }
      : { hostname: joinPattern({ reach: reach as Reach, name: field }) };
  const policy = source === 'claim' || detail === '' ? {} : (JSON.parse(detail) as Partial<PolicyRoute>);
  const tunnel = unpackUuid(line.slice(2, bar));
  const route: PolicyRoute = { id: routeId({ ...target, ...policy }), tunnel, ...target, ...policy };
  return { record: { route, source }, ...(source === 'claim' ? { holder: detail } : {}) };
}
