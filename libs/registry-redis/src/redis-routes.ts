import { namesAbove, reaches, routeKey, splitPattern } from '@culvert/registry';
import type { Listed, Page, PolicyRoute, RouteRecord } from '@culvert/registry';
import { BucketMap } from './bucket-map.ts';
import { bucketPage } from './bucket-page.ts';
import type { Decode } from './bucket-page.ts';
import { NAME_BUCKETS } from './keys.ts';
import type { Keys } from './keys.ts';
import { packUuid } from './packed-hex.ts';
import type { RedisLink } from './redis-link.ts';
import { decodeRoutes, encodeRoutes, fieldOf } from './route-lines.ts';
import type { StoredRoute } from './route-lines.ts';

/** Routes by the name of their pattern, or by port, and which of them each tunnel has. */
export class RedisRoutes {
  readonly #link: RedisLink;
  readonly #keys: Keys;
  readonly #names: BucketMap;
  readonly #ports: BucketMap;

  constructor(link: RedisLink, keys: Keys) {
    this.#link = link;
    this.#keys = keys;
    this.#names = new BucketMap(link, keys, 'r', NAME_BUCKETS);
    this.#ports = new BucketMap(link, keys, 'p', 1);
  }

  async put(record: RouteRecord, mode: 'create' | 'replace'): Promise<'stored' | 'exists'> {
    const { route } = record;
    let replaced: StoredRoute | undefined;
    let exists = false;
    await this.#index(record);
    await this.#mapOf(route).update(fieldOf(route), (present) => {
      const routes = decodeRoutes(fieldOf(route), present);
      replaced = routes.find((one) => one.record.route.id === route.id);
      exists = mode === 'create' && replaced !== undefined && replaced.record.source !== 'claim';
      return exists ? present : encodeRoutes([...without(routes, route.id), { record }]);
    });
    if (exists) return 'exists';
    if (replaced !== undefined && replaced.record.route.tunnel !== route.tunnel)
      await this.#unindex(replaced.record);
    return 'stored';
  }

  async find(id: string): Promise<RouteRecord | undefined> {
    const key = routeKey(id);
    if (key === undefined) return undefined;
    const field = fieldOf(key);
    const routes = decodeRoutes(field, await this.#mapOf(key).get(field));
    return routes.find(({ record }) => record.route.id === id)?.record;
  }

  /** Removes a route; with `tunnel`, only if it leads there. */
  async remove(id: string, tunnel?: string): Promise<RouteRecord | undefined> {
    const key = routeKey(id);
    if (key === undefined) return undefined;
    const field = fieldOf(key);
    let removed: RouteRecord | undefined;
    await this.#mapOf(key).update(field, (present) => {
      const routes = decodeRoutes(field, present);
      removed = routes.find(({ record }) => record.route.id === id)?.record;
      if (tunnel !== undefined && removed?.route.tunnel !== tunnel) removed = undefined;
      return removed === undefined ? present : encodeRoutes(without(routes, id));
    });
    if (removed !== undefined) await this.#unindex(removed);
    return removed;
  }

  /** What is stored for the route's name or port, as text for `swap`, and the route itself if it is there. */
  async read(
    id: string,
  ): Promise<{ readonly text: string | undefined; readonly stored: StoredRoute | undefined }> {
    const key = routeKey(id);
    if (key === undefined) return { text: undefined, stored: undefined };
    const field = fieldOf(key);
    const text = await this.#mapOf(key).get(field);
    return { text, stored: decodeRoutes(field, text).find(({ record }) => record.route.id === id) };
  }

  /** Puts `next` in the place of the route of that id, unless the text has changed since it was read. */
  async swap(id: string, text: string | undefined, next: StoredRoute | undefined): Promise<boolean> {
    const key = routeKey(id);
    if (key === undefined) return false;
    const field = fieldOf(key);
    const others = without(decodeRoutes(field, text), id);
    if (next !== undefined) await this.#index(next.record);
    return this.#mapOf(key).swap(field, text, encodeRoutes(next === undefined ? others : [...others, next]));
  }

  async forHostname(hostname: string): Promise<RouteRecord[]> {
    const names = namesAbove(hostname);
    const values = await Promise.all(names.map((name) => this.#names.get(name)));
    return names
      .flatMap((name, at) => decodeRoutes(name, values[at]))
      .map(({ record }) => record)
      .filter(({ route }) => reaches(splitPattern(route.hostname ?? ''), hostname));
  }

  async forPorts(): Promise<RouteRecord[]> {
    const found: RouteRecord[] = [];
    for await (const { field, value } of this.#ports.from()) {
      found.push(...decodeRoutes(field, value).map(({ record }) => record));
    }
    return found;
  }

  list(page: Page): Promise<Listed<RouteRecord>> {
    return bucketPage(
      [
        [this.#ports, itemsOf],
        [this.#names, itemsOf],
      ],
      page,
    );
  }

  async #index({ route }: RouteRecord): Promise<void> {
    await this.#link.run((redis) => redis.sadd(this.#keys.ofTunnel(packUuid(route.tunnel)), `r${route.id}`));
  }

  async #unindex({ route }: RouteRecord): Promise<void> {
    await this.#link.run((redis) => redis.srem(this.#keys.ofTunnel(packUuid(route.tunnel)), `r${route.id}`));
  }

  #mapOf(key: Pick<PolicyRoute, 'hostname' | 'port'>): BucketMap {
    return key.port === undefined ? this.#names : this.#ports;
  }
}

const without = (routes: readonly StoredRoute[], id: string): StoredRoute[] =>
  routes.filter(({ record }) => record.route.id !== id);

const itemsOf: Decode<RouteRecord> = (value, field) =>
  decodeRoutes(field, value)
    .map(({ record }) => ({ id: record.route.id, item: record }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
