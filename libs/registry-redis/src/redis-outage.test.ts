import { randomUUID } from 'node:crypto';
import { RegistryDownError, routeId } from '@culvert/registry';
import type { RouteRecord, TunnelRecord } from '@culvert/registry';
import { eventually, freePort, startRedis } from '@culvert/testkit';
import type { RedisServer } from '@culvert/testkit';
import { Redis } from 'ioredis';
import { expect, it, onTestFinished, vi } from 'vitest';
import { RedisRegistry } from './redis-registry.ts';
import type { RedisRegistryOptions } from './redis-registry.ts';

it('it waits for a redis that is not there yet', async () => {
  const port = await freePort();
  const failures: unknown[] = [];
  const registry = open(`redis://127.0.0.1:${port}`, { onError: (error) => failures.push(error) });
  await eventually(() => failures.length >= 2);
  await expect(registry.tunnel(randomUUID())).rejects.toBeInstanceOf(RegistryDownError);
  const server = await startRedis({ port });
  onTestFinished(() => server.remove());
  await eventually(() => registry.state === 'connected');
  expect(await registry.tunnel(randomUUID())).toBeUndefined();
});

it('it tells when redis goes and comes back, and that everything is lost then', async () => {
  const server = await started();
  const registry = await connected(server.url);
  const states: string[] = [];
  registry.onState((state) => states.push(state));
  const shop = tunnel();
  await registry.putTunnel(shop);
  const before = await registry.epoch();

  await server.process.stop('SIGKILL');
  await eventually(() => registry.state === 'disconnected');
  await expect(registry.putTunnel(shop)).rejects.toBeInstanceOf(RegistryDownError);

  await server.process.start();
  await eventually(() => registry.state === 'connected');
  expect(await registry.epoch()).not.toBe(before);
  expect(await registry.tunnel(shop.id)).toBeUndefined();
  await registry.putTunnel(shop);
  expect(await registry.tunnel(shop.id)).toEqual(shop);
  expect(states).toEqual(['disconnected', 'connected']);
});

it('commands to a redis that hangs fail within their deadline, and the connection is made anew', async () => {
  const server = await started();
  const registry = await connected(server.url);
  const shop = tunnel();
  await registry.putTunnel(shop);
  server.process.pause();
  const asked = performance.now();
  await expect(registry.tunnel(shop.id)).rejects.toBeInstanceOf(RegistryDownError);
  expect(performance.now() - asked).toBeLessThan(3_000);
  await eventually(() => registry.state === 'disconnected', { timeoutMs: 10_000 });
  server.process.resume();
  await eventually(() => registry.state === 'connected', { timeoutMs: 10_000 });
  expect(await registry.tunnel(shop.id)).toEqual(shop);
});

it('a redis that is emptied has another epoch although the connection stood', async () => {
  const server = await started();
  const registry = await connected(server.url);
  const before = await registry.epoch();
  const operator = new Redis(server.url);
  await operator.flushall();
  await operator.quit();
  expect(await registry.epoch()).not.toBe(before);
});

it('closing while redis is away ends at once', async () => {
  const registry = open(`redis://127.0.0.1:${await freePort()}`);
  await registry.close();
  await expect(registry.epoch()).rejects.toBeInstanceOf(RegistryDownError);
});

it('it logs in with the password of the address', async () => {
  const server = await started();
  const operator = new Redis(server.url);
  await operator.config('SET', 'requirepass', 'p@ss word');
  const registry = await connected(server.url.replace('redis://', 'redis://default:p%40ss%20word@'));
  expect(await registry.epoch()).not.toBe('');
  await operator.quit();
});

it('a router whose clock is hours ahead takes no edge for gone', async () => {
  const server = await started();
  const [punctual, ahead] = [await connected(server.url), await connected(server.url)];
  const load = { sessions: 0, streams: 0, connections: 0 };
  await punctual.renewLease({ id: 'e1', region: 'eu', boot: 'b', draining: false, load, warnings: [] });
  const now = Date.now();
  vi.spyOn(Date, 'now').mockReturnValue(now + 5 * 3_600_000);
  onTestFinished(() => void vi.restoreAllMocks());
  expect(await ahead.edges()).toHaveLength(1);
  expect(await punctual.edges()).toHaveLength(1);
});

it('all keys begin with the prefix', async () => {
  const server = await started();
  const registry = await connected(server.url, { prefix: 'acme:' });
  await registry.putTunnel(tunnel());
  await registry.putRoute(route('a.test'), 'create');
  await registry.claim({ hostname: 'b.test', tunnel: randomUUID(), digest: 'ab'.repeat(32) });
  const load = { sessions: 0, streams: 0, connections: 0 };
  await registry.renewLease({ id: 'e{1}', region: 'eu', boot: 'b', draining: false, load, warnings: [] });
  expect((await registry.edges()).map(({ id }) => id)).toEqual(['e{1}']);
  const operator = new Redis(server.url);
  const keys = await operator.keys('*');
  await operator.quit();
  expect(keys.length).toBeGreaterThan(5);
  expect(keys.filter((key) => !key.startsWith('acme:{'))).toEqual([]);
});

it('a plain route of one tunnel among many takes less than 250 bytes', async () => {
  const server = await started();
  const registry = await connected(server.url);
  const operator = new Redis(server.url);
  onTestFinished(() => operator.disconnect());
  // As many as fill the buckets' fixed costs in the same proportion as a million routes do.
  const tunnels = Array.from({ length: 100 }, () => randomUUID());
  const before = await usedMemory(operator);
  const count = 30_000;
  for (let at = 0; at < count; at += 500) {
    const batch = Array.from({ length: 500 }, (_, n) =>
      route(`h${at + n}.customer.example`, tunnels[n % 100]),
    );
    await Promise.all(batch.map((one) => registry.putRoute(one, 'replace')));
  }
  const bytes = ((await usedMemory(operator)) - before) / count;
  expect(bytes).toBeLessThan(250);
  expect(await registry.routesFor('h77.customer.example')).toHaveLength(1);
}, 120_000);

function open(redis: string, options: Partial<RedisRegistryOptions> = {}): RedisRegistry {
  const registry = new RedisRegistry({ redis, ...options });
  onTestFinished(() => registry.close());
  return registry;
}

async function connected(redis: string, options: Partial<RedisRegistryOptions> = {}): Promise<RedisRegistry> {
  const registry = open(redis, options);
  await eventually(() => registry.state === 'connected');
  return registry;
}

async function started(): Promise<RedisServer> {
  const server = await startRedis();
  onTestFinished(() => server.remove());
  return server;
}

async function usedMemory(redis: Redis): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
}

function tunnel(): TunnelRecord {
  return { id: randomUUID(), name: 'shop', createdAt: 1, source: 'api' };
}

function route(hostname: string, to: string = randomUUID()): RouteRecord {
  return { route: { id: routeId({ hostname }), tunnel: to, hostname }, source: 'api' };
}
