import { isDeepStrictEqual } from 'node:util';
import type {
  Listed,
  Page,
  Registry,
  RouteRecord,
  Source,
  TokenRecord,
  TunnelRecord,
} from '@culvert/registry';
import type { Logger } from '@culvert/telemetry';
import type { Announcements } from './announcements.ts';
import type { FileItems } from './file-items.ts';

/** Items that are written at the same time. */
const CONCURRENCY = 100;
const PAGE_LIMIT = 1_000;

export interface FileLoaderParts {
  readonly registry: Registry;
  readonly announcements: Announcements;
  readonly logger: Logger;
}

/** Makes the registry hold what the file says: items are stored, and those of an earlier file are removed. */
export class FileLoader {
  readonly #registry: Registry;
  readonly #announcements: Announcements;
  readonly #logger: Logger;
  readonly #items: FileItems;
  readonly #replaces: boolean;

  /** @param replaces whether the file stands in place of what files brought in before; otherwise it adds to that. */
  constructor({ registry, announcements, logger }: FileLoaderParts, items: FileItems, replaces: boolean) {
    this.#registry = registry;
    this.#announcements = announcements;
    this.#logger = logger;
    this.#items = items;
    this.#replaces = replaces;
  }

  async apply(): Promise<void> {
    await inBatches(this.#items.tunnels, (tunnel) => this.#putTunnel(tunnel));
    await inBatches(this.#items.tokens, (token) => this.#putToken(token));
    const changed: RouteRecord[] = [];
    await inBatches(this.#items.routes, async (route) => {
      if (await this.#putRoute(route)) changed.push(route);
    });
    this.#announcements.routesChanged(changed);
    if (this.#replaces) await this.#removeFormer();
  }

  async #putTunnel(tunnel: TunnelRecord): Promise<void> {
    const present = await this.#registry.tunnel(tunnel.id);
    const next = { ...tunnel, createdAt: present?.createdAt ?? tunnel.createdAt };
    if (!isDeepStrictEqual(present, next)) await this.#registry.putTunnel(next);
  }

  async #putToken(token: TokenRecord): Promise<void> {
    const present = await this.#registry.token(token.id);
    const next = { ...token, createdAt: present?.createdAt ?? token.createdAt };
    if (!isDeepStrictEqual(present, next)) await this.#registry.putToken(next);
  }

  async #putRoute(record: RouteRecord): Promise<boolean> {
    const present = await this.#registry.route(record.route.id);
    if (isDeepStrictEqual(present, record)) return false;
    await this.#registry.putRoute(record, 'replace');
    return !isDeepStrictEqual(present?.route, record.route);
  }

  async #removeFormer(): Promise<void> {
    const registry = this.#registry;
    const formerRoutes = await former(
      (page) => registry.routes(page),
      this.#items.routes,
      ({ route }) => route.id,
    );
    const formerTokens = await former((page) => registry.tokens(page), this.#items.tokens, idOf);
    const formerTunnels = await former((page) => registry.tunnels(page), this.#items.tunnels, idOf);
    const counts = {
      routes: formerRoutes.length,
      tokens: formerTokens.length,
      tunnels: formerTunnels.length,
    };
    if (counts.routes + counts.tokens + counts.tunnels === 0) return;
    this.#logger.warn('what an earlier file named and this one does not is removed', counts);

    const gone: RouteRecord[] = [];
    for (const { route } of formerRoutes) {
      const removed = await registry.deleteRoute(route.id);
      if (removed !== undefined) gone.push(removed);
    }
    for (const token of formerTokens) {
      await registry.deleteToken(token.id);
      this.#announcements.tokenRevoked(token, token.tunnels === '*' ? [] : token.tunnels);
    }
    for (const { id } of formerTunnels) {
      gone.push(...((await registry.deleteTunnel(id))?.routes ?? []));
      this.#announcements.revoked(id);
    }
    this.#announcements.routesChanged(gone);
  }
}

function idOf({ id }: { readonly id: string }): string {
  return id;
}

/** Records that came from a file, but not from this one. */
async function former<T extends { readonly source: Source }>(
  list: (page: Page) => Promise<Listed<T>>,
  current: readonly T[],
  idOf: (record: T) => string,
): Promise<T[]> {
  const kept = new Set(current.map(idOf));
  const found: T[] = [];
  let cursor: string | undefined;
  do {
    const page: Listed<T> = await list({ limit: PAGE_LIMIT, ...(cursor === undefined ? {} : { cursor }) });
    found.push(...page.items.filter((record) => record.source === 'file' && !kept.has(idOf(record))));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}

async function inBatches<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += CONCURRENCY) {
    await Promise.all(items.slice(at, at + CONCURRENCY).map(work));
  }
}
