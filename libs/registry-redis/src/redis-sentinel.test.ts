import { randomUUID } from 'node:crypto';
import { RegistryDownError } from '@culvert/registry';
import type { TunnelRecord } from '@culvert/registry';
import { RedisSentinels, eventually } from '@culvert/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { RedisRegistry } from './redis-registry.ts';

it('behind sentinels it follows the master to the server that takes over', async () => {
  const redis = await RedisSentinels.start();
  onTestFinished(() => redis.remove());
  const registry = new RedisRegistry({ redis: { sentinels: redis.addresses, name: redis.name } });
  onTestFinished(() => registry.close());
  await eventually(() => registry.state === 'connected', { timeoutMs: 15_000 });
  const shop: TunnelRecord = { id: randomUUID(), name: 'shop', createdAt: 1, source: 'api' };
  await registry.putTunnel(shop);
  const epoch = await registry.epoch();
  const copy = new RedisRegistry({ redis: redis.replica.url });
  onTestFinished(() => copy.close());
  await eventually(async () => (await copy.tunnel(shop.id)) !== undefined, { timeoutMs: 15_000 });

  await redis.master.process.stop('SIGKILL');
  await expect(
    eventually(() => registry.tunnel(shop.id).then(() => false), { timeoutMs: 500 }),
  ).rejects.toMatchObject({ cause: expect.any(RegistryDownError) as unknown });
  await eventually(() => registry.putTunnel({ ...shop, name: 'store' }).then(() => true), {
    timeoutMs: 20_000,
  });
  expect(await registry.tunnel(shop.id)).toMatchObject({ name: 'store' });
  expect(await registry.epoch()).toBe(epoch);
}, 60_000);
