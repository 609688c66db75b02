import { MemoryRegistry, reaches, splitPattern, tokenId } from '@culvert/registry';
import type { RouteRecord, TokenRecord, TunnelRecord } from '@culvert/registry';
import type { RoutesChangedMessage, TunnelRevokedMessage } from '@culvert/signals';
import type { FileItems } from './file-items.ts';
import { Recent } from './recent.ts';

/** A resolved hostname takes about half a kilobyte, so this is 50 MB at most. */
const MOST_HOSTNAMES = 100_000;
const MOST_TOKENS = 100_000;
const MOST_TUNNELS = 100_000;

/**
 * What a router answers from while the registry is away: the content of its file, and what it has resolved or
 * admitted lately. Names that do not exist are not kept: a flood of them would drive out those that do.
 */
export class Snapshot {
  #file = new MemoryRegistry();
  readonly #hostnames = new Recent<readonly RouteRecord[]>(MOST_HOSTNAMES);
  readonly #tokens = new Recent<TokenRecord>(MOST_TOKENS);
  readonly #tunnels = new Recent<TunnelRecord>(MOST_TUNNELS);
  #ports: readonly RouteRecord[] | undefined;

  /** Takes the content of a file, in place of that of the file before. */
  async load(items: FileItems): Promise<void> {
    const file = new MemoryRegistry();
    for (const tunnel of items.tunnels) await file.putTunnel(tunnel);
    for (const token of items.tokens) await file.putToken(token);
    for (const route of items.routes) await file.putRoute(route, 'replace');
    this.#file = file;
  }

  noteRoutes(hostname: string, routes: readonly RouteRecord[]): void {
    if (routes.length > 0) this.#hostnames.note(hostname, routes);
  }

  notePorts(routes: readonly RouteRecord[]): void {
    this.#ports = routes;
  }

  noteToken(token: TokenRecord): void {
    this.#tokens.note(token.id, token);
  }

  noteTunnel(tunnel: TunnelRecord): void {
    this.#tunnels.note(tunnel.id, tunnel);
  }

  /** Undefined where nothing is known, which does not mean that the name does not exist. */
  async routesFor(hostname: string): Promise<readonly RouteRecord[] | undefined> {
    const recent = this.#hostnames.get(hostname);
    if (recent !== undefined) return recent;
    const routes = await this.#file.routesFor(hostname);
    return routes.length === 0 ? undefined : routes;
  }

  async portRoutes(): Promise<readonly RouteRecord[]> {
    return this.#ports ?? (await this.#file.portRoutes());
  }

  async token(id: string): Promise<TokenRecord | undefined> {
    return this.#tokens.get(id) ?? (await this.#file.token(id));
  }

  async tunnel(id: string): Promise<TunnelRecord | undefined> {
    return this.#tunnels.get(id) ?? (await this.#file.tunnel(id));
  }

  /** Some router has changed routes: what was resolved of them is no longer true. */
  routesChanged(change: RoutesChangedMessage): void {
    if (change.ports || change.all) this.#ports = undefined;
    if (change.all) return this.#hostnames.clear();
    const patterns = change.hostnames.map(splitPattern);
    for (const { reach, name } of patterns) if (reach === '=') this.#hostnames.forget(name);
    const wide = patterns.filter(({ reach }) => reach !== '=');
    if (wide.length === 0) return;
    this.#hostnames.forgetWhere((hostname) => wide.some((pattern) => reaches(pattern, hostname)));
  }

  /** Some router has withdrawn a tunnel, or a token from it. */
  revoked({ tunnel, digest }: TunnelRevokedMessage): void {
    if (digest !== undefined) return this.#tokens.forget(tokenId(digest));
    this.#tunnels.forget(tunnel);
    this.#tokens.forgetWhere((_, { tunnels }) => tunnels !== '*' && tunnels.every((id) => id === tunnel));
  }
}
