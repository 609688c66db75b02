import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RegistryDownError } from '@culvert/registry';
import type { TunnelRecord } from '@culvert/registry';
import { eventually, ServerProcess, startRedis } from '@culvert/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { RedisRegistry } from './redis-registry.ts';

it('behind sentinels it follows the master to the server that takes over', async () => {
  const master = await startRedis();
  onTestFinished(() => master.remove());
  const replica = await startRedis({ args: ['--replicaof', '127.0.0.1', String(master.process.port)] });
  onTestFinished(() => replica.remove());
  const sentinel = await startSentinel(master.process.port);
  const registry = new RedisRegistry({
    redis: { sentinels: [`127.0.0.1:${sentinel.port}`], name: 'main' },
  });
  onTestFinished(() => registry.close());
  await eventually(() => registry.state === 'connected', { timeoutMs: 15_000 });
  const shop: TunnelRecord = { id: randomUUID(), name: 'shop', createdAt: 1, source: 'api' };
  await registry.putTunnel(shop);
  const epoch = await registry.epoch();
  const copy = new RedisRegistry({ redis: replica.url });
  onTestFinished(() => copy.close());
  await eventually(async () => (await copy.tunnel(shop.id)) !== undefined, { timeoutMs: 15_000 });

  await master.process.stop('SIGKILL');
  await expect(
    eventually(() => registry.tunnel(shop.id).then(() => false), { timeoutMs: 500 }),
  ).rejects.toMatchObject({ cause: expect.any(RegistryDownError) as unknown });
  await eventually(() => registry.putTunnel({ ...shop, name: 'store' }).then(() => true), {
    timeoutMs: 20_000,
  });
  expect(await registry.tunnel(shop.id)).toMatchObject({ name: 'store' });
  expect(await registry.epoch()).toBe(epoch);
}, 60_000);

async function startSentinel(master: number): Promise<ServerProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'culvert-sentinel-'));
  const file = join(folder, 'sentinel.conf');
  const watch = [
    `sentinel monitor main 127.0.0.1 ${master} 1`,
    'sentinel down-after-milliseconds main 500',
    'sentinel failover-timeout main 3000',
  ];
  writeFileSync(file, ['bind 127.0.0.1', `dir ${folder}`, ...watch, ''].join('\n'));
  const sentinel = await ServerProcess.start({
    command: 'redis-server',
    args: (port) => [file, '--sentinel', '--port', String(port)],
    greeting: 'PING\r\n',
    expect: '+PONG',
  });
  onTestFinished(async () => {
    await sentinel.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return sentinel;
}
