import { randomUUID } from 'node:crypto';
import { DEFAULT_REGISTRY_TIMES } from '@culvert/registry';
import type {
  Claim,
  ClaimOutcome,
  DeletedTunnel,
  LeaseOutcome,
  Listed,
  Page,
  Registry,
  RegistryState,
  RegistryTimes,
  RouteRecord,
  TokenRecord,
  TunnelRecord,
} from '@culvert/registry';
import type { EdgeInfo, SessionInfo, SessionsMessage } from '@culvert/signals';
import { Keys } from './keys.ts';
import { packUuid } from './packed-hex.ts';
import { RedisClaims } from './redis-claims.ts';
import { RedisEdges } from './redis-edges.ts';
import { RedisLink } from './redis-link.ts';
import type { RedisLinkOptions } from './redis-link.ts';
import { RedisRecords, TOKENS, TUNNELS } from './redis-records.ts';
import { RedisRoutes } from './redis-routes.ts';

export interface RedisRegistryOptions extends RedisLinkOptions {
  /** Before every key, so that installations can share a Redis. */
  readonly prefix?: string;
  readonly times?: Partial<RegistryTimes>;
}

/** Members of a tunnel's index that are read at once. */
const INDEX_BATCH = 500;

/**
 * The registry in Redis 6.2 or newer: one server, one behind Sentinel, or a cluster. It is disconnected until the
 * first connection stands, and never gives up.
 */
export class RedisRegistry implements Registry {
  readonly #link: RedisLink;
  readonly #keys: Keys;
  readonly #tunnels: RedisRecords<TunnelRecord>;
  readonly #tokens: RedisRecords<TokenRecord>;
  readonly #routes: RedisRoutes;
  readonly #claims: RedisClaims;
  readonly #edges: RedisEdges;

  constructor(options: RedisRegistryOptions) {
    const times = { ...DEFAULT_REGISTRY_TIMES, ...options.times };
    this.#link = new RedisLink(options);
    this.#keys = new Keys(options.prefix ?? 'culvert:');
    this.#tunnels = new RedisRecords(this.#link, this.#keys, TUNNELS);
    this.#tokens = new RedisRecords(this.#link, this.#keys, TOKENS);
    this.#routes = new RedisRoutes(this.#link, this.#keys);
    this.#claims = new RedisClaims(this.#link, this.#keys, this.#routes, times);
    this.#edges = new RedisEdges(this.#link, this.#keys, this.#claims, times);
  }

  get state(): RegistryState {
    return this.#link.state;
  }

  onState(listener: (state: RegistryState) => void): () => void {
    return this.#link.onState(listener);
  }

  async epoch(): Promise<string> {
    const fresh = randomUUID();
    await this.#link.run((redis) => redis.set(this.#keys.epoch, fresh, 'NX'));
    return (await this.#link.run((redis) => redis.get(this.#keys.epoch))) ?? fresh;
  }

  putTunnel(tunnel: TunnelRecord): Promise<void> {
    return this.#tunnels.put(tunnel);
  }

  tunnel(id: string): Promise<TunnelRecord | undefined> {
    return this.#tunnels.find(id);
  }

  tunnels(page: Page): Promise<Listed<TunnelRecord>> {
    return this.#tunnels.list(page);
  }

  async deleteTunnel(id: string): Promise<DeletedTunnel | undefined> {
    const tunnel = await this.#tunnels.find(id);
    if (tunnel === undefined) return undefined;
    const routes: RouteRecord[] = [];
    const tokens: TokenRecord[] = [];
    for await (const member of this.#indexed(id)) {
      const found = member.slice(1);
      if (member.startsWith('r')) push(routes, await this.#routes.remove(found, id));
      else push(tokens, await this.#removeOwnToken(found, id));
    }
    await this.#link.run((redis) => redis.del(this.#keys.ofTunnel(packUuid(id))));
    // The tunnel itself goes last: whoever was interrupted can delete it again.
    await this.#tunnels.remove(id);
    return { tunnel, routes, tokens };
  }

  async putToken(token: TokenRecord): Promise<void> {
    const tunnels = token.tunnels === '*' ? [] : token.tunnels;
    for (const tunnel of tunnels) {
      await this.#link.run((redis) => redis.sadd(this.#keys.ofTunnel(packUuid(tunnel)), `k${token.id}`));
    }
    await this.#tokens.put(token);
  }

  token(id: string): Promise<TokenRecord | undefined> {
    return this.#tokens.find(id);
  }

  tokens(page: Page): Promise<Listed<TokenRecord>> {
    return this.#tokens.list(page);
  }

  async deleteToken(id: string): Promise<TokenRecord | undefined> {
    const token = await this.#tokens.remove(id);
    const tunnels = token === undefined || token.tunnels === '*' ? [] : token.tunnels;
    for (const tunnel of tunnels) {
      await this.#link.run((redis) => redis.srem(this.#keys.ofTunnel(packUuid(tunnel)), `k${id}`));
    }
    return token;
  }

  putRoute(record: RouteRecord, mode: 'create' | 'replace'): Promise<'stored' | 'exists'> {
    return this.#routes.put(record, mode);
  }

  route(id: string): Promise<RouteRecord | undefined> {
    return this.#routes.find(id);
  }

  routes(page: Page): Promise<Listed<RouteRecord>> {
    return this.#routes.list(page);
  }

  deleteRoute(id: string): Promise<RouteRecord | undefined> {
    return this.#routes.remove(id);
  }

  routesFor(hostname: string): Promise<RouteRecord[]> {
    return this.#routes.forHostname(hostname);
  }

  portRoutes(): Promise<RouteRecord[]> {
    return this.#routes.forPorts();
  }

  claim(claim: Claim): Promise<ClaimOutcome> {
    return this.#claims.claim(claim);
  }

  expireClaims(): Promise<RouteRecord[]> {
    return this.#claims.expire();
  }

  renewLease(edge: EdgeInfo): Promise<LeaseOutcome> {
    return this.#edges.renew(edge);
  }

  endLease(id: string, boot: string): Promise<'ended' | 'fenced'> {
    return this.#edges.end(id, boot);
  }

  edges(): Promise<EdgeInfo[]> {
    return this.#edges.list();
  }

  applySessions(message: SessionsMessage): Promise<'applied' | 'fenced'> {
    return this.#edges.apply(message);
  }

  sessions(page: Page & { readonly tunnel?: string }): Promise<Listed<SessionInfo>> {
    return this.#edges.sessions(page);
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  async *#indexed(tunnel: string): AsyncGenerator<string> {
    const key = this.#keys.ofTunnel(packUuid(tunnel));
    let cursor = '0';
    do {
      const from = cursor;
      const [next, members] = await this.#link.run((redis) => redis.sscan(key, from, 'COUNT', INDEX_BATCH));
      yield* members;
      cursor = next;
    } while (cursor !== '0');
  }

  async #removeOwnToken(id: string, tunnel: string): Promise<TokenRecord | undefined> {
    const token = await this.#tokens.find(id);
    const own = token !== undefined && token.tunnels !== '*' && token.tunnels.every((one) => one === tunnel);
    return own ? this.#tokens.remove(id) : undefined;
  }
}

function push<T>(list: T[], item: T | undefined): void {
  if (item !== undefined) list.push(item);
}
