import { routeId, tokenId } from '@culvert/registry';
import type { RouteRecord, Source, TokenRecord, TunnelRecord } from '@culvert/registry';
import { digestOf } from './digest.ts';
import type { RouteSettings, RouterSettings, TokenSettings, TunnelSettings } from './settings.ts';

/** What a router's file adds to the registry. */
export interface FileItems {
  readonly tunnels: readonly TunnelRecord[];
  readonly tokens: readonly TokenRecord[];
  readonly routes: readonly RouteRecord[];
}

/** Two items of one file that are the same thing: the last one counts, as it would when applied in turn. */
export function fileItems(
  settings: Pick<RouterSettings, 'tunnels' | 'tokens' | 'routes'>,
  now: number,
): FileItems {
  const { tunnels, tokens, routes } = settings;
  const bound = tunnels.map((tunnel) => tunnelToken(tunnel, tunnel.token.reveal(), 'file', now));
  return {
    tunnels: tunnels.map(({ id, name }) => ({ id, name, createdAt: now, source: 'file' })),
    tokens: lastOfEach([
      ...bound,
      ...tokens.map((token) => tokenRecord(token, token.token.reveal(), 'file', now)),
    ]),
    routes: lastOfEach(
      routes.map((route) => routeRecord(route, 'file')),
      ({ route }) => route.id,
    ),
  };
}

/** Such a file leaves to others what there is to be. */
export function isEmpty({ tunnels, tokens, routes }: FileItems): boolean {
  return tunnels.length + tokens.length + routes.length === 0;
}

/** The token that comes with a tunnel: it serves that tunnel and claims nothing. */
export function tunnelToken(
  tunnel: Pick<TunnelSettings, 'id' | 'name'>,
  token: string,
  source: Source,
  now: number,
): TokenRecord {
  return tokenRecord(
    { name: tunnel.name, tunnels: [tunnel.id], hostnames: [], ports: [] },
    token,
    source,
    now,
  );
}

export function tokenRecord(
  { name, tunnels, hostnames, ports }: Omit<TokenSettings, 'token'>,
  token: string,
  source: Source,
  now: number,
): TokenRecord {
  const digest = digestOf(token);
  return { id: tokenId(digest), name, digest, tunnels, hostnames, ports, createdAt: now, source };
}

export function routeRecord(route: RouteSettings, source: Source): RouteRecord {
  return { route: { id: routeId(route), ...route }, source };
}

function lastOfEach<T>(
  items: readonly T[],
  idOf = (item: T): string => (item as { readonly id: string }).id,
): T[] {
  return [...new Map(items.map((item) => [idOf(item), item])).values()];
}
