import { registryContract } from '@culvert/registry/contract';
import { RedisCluster, eventually } from '@culvert/testkit';
import { afterAll, beforeAll } from 'vitest';
import { RedisRegistry } from './redis-registry.ts';

let cluster: RedisCluster;
let opened = 0;
beforeAll(async () => {
  cluster = await RedisCluster.start();
}, 60_000);
afterAll(() => cluster.remove());

registryContract('RedisRegistry on a cluster', async (times) => {
  opened += 1;
  const registry = new RedisRegistry({ redis: cluster.urls, prefix: `test${opened}:`, times });
  await eventually(() => registry.state === 'connected', { timeoutMs: 15_000 });
  return registry;
});
