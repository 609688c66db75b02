import { registryContract } from '@culvert/registry/contract';
import { eventually, startRedis } from '@culvert/testkit';
import type { RedisServer } from '@culvert/testkit';
import { afterAll, beforeAll } from 'vitest';
import { RedisRegistry } from './redis-registry.ts';

let server: RedisServer;
let opened = 0;
beforeAll(async () => void (server = await startRedis()));
afterAll(() => server.remove());

registryContract('RedisRegistry', async (times) => {
  opened += 1;
  const registry = new RedisRegistry({ redis: server.url, prefix: `test${opened}:`, times });
  await eventually(() => registry.state === 'connected');
  return registry;
});
