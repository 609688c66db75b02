import { RedisCluster, RedisSentinels, startRedis } from '@culvert/testkit';
import type { RedisServer, ServerProcess } from '@culvert/testkit';

/** How Redis is run. */
export type StoreKind = 'server' | 'sentinels' | 'cluster';

/** What the registry is kept in. */
export type Store =
  | { readonly kind: 'server'; readonly redis: RedisServer }
  | { readonly kind: 'sentinels'; readonly redis: RedisSentinels }
  | { readonly kind: 'cluster'; readonly redis: RedisCluster };

export async function startStore(kind: StoreKind): Promise<Store> {
  switch (kind) {
    case 'server':
      return { kind, redis: await startRedis() };
    case 'sentinels':
      return { kind, redis: await RedisSentinels.start() };
    case 'cluster':
      return { kind, redis: await RedisCluster.start() };
  }
}

export function serversOf({ kind, redis }: Store): readonly ServerProcess[] {
  if (kind === 'server') return [redis.process];
  if (kind === 'cluster') return redis.nodes.map((node) => node.process);
  return [redis.master.process, redis.replica.process, redis.sentinel];
}

/** As a router's file says it. */
export function settingOf({ kind, redis }: Store): unknown {
  if (kind === 'server') return redis.url;
  if (kind === 'cluster') return redis.urls;
  return { sentinels: redis.addresses, name: redis.name };
}
