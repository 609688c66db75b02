import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RegistryDownError } from '@culvert/registry';
import { silentLogger } from '@culvert/telemetry';
import { Authority, eventually, freePort, startNats, startRedis } from '@culvert/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { openRouterParts } from './parts.ts';
import type { OpenParts } from './parts.ts';
import { SHOP } from './testing/router-kit.ts';

const ROUTE = { id: 'a.test', hostname: 'a.test', tunnel: SHOP };

it('reads of the replica what cannot be read of redis, and writes nothing there', async () => {
  const primary = await startRedis();
  onTestFinished(() => primary.remove());
  const replica = await startRedis({ args: ['--replicaof', '127.0.0.1', String(primary.process.port)] });
  onTestFinished(() => replica.remove());
  const copy = opened({ redis: { kind: 'single', url: replica.url }, prefix: 'test' });
  const { registry } = opened({
    redis: { kind: 'single', url: primary.url },
    redisReplica: replica.url,
    prefix: 'test',
  });
  await eventually(() => registry.state === 'connected');
  await registry.putTunnel({ id: SHOP, name: 'shop', createdAt: 1, source: 'api' });
  await registry.putRoute({ route: ROUTE, source: 'api' }, 'create');
  await eventually(async () => (await copy.registry.route(ROUTE.id)) !== undefined, { timeoutMs: 15_000 });

  await primary.process.stop('SIGKILL');
  await eventually(() => registry.state === 'disconnected');
  expect(await registry.routesFor('a.test')).toEqual([{ route: ROUTE, source: 'api' }]);
  expect(await registry.route(ROUTE.id)).toEqual({ route: ROUTE, source: 'api' });
  expect(await registry.tunnel(SHOP)).toMatchObject({ name: 'shop' });
  expect(await registry.token('0'.repeat(32))).toBeUndefined();
  expect(await registry.portRoutes()).toEqual([]);
  await expect(registry.deleteRoute(ROUTE.id)).rejects.toBeInstanceOf(RegistryDownError);

  await replica.process.stop('SIGKILL');
  await expect(registry.routesFor('a.test')).rejects.toBeInstanceOf(RegistryDownError);
}, 60_000);

it('trusts redis and nats by the authorities of its settings, and by no others', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'culvert-router-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const authority = new Authority(folder);
  const { cert, key } = authority.issue('control', 'DNS:localhost');
  const nats = await startNats({ args: ['--tls', '--tlscert', cert, '--tlskey', key] });
  onTestFinished(() => nats.process.stop());
  const tlsPort = String(await freePort());
  const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', authority.file];
  const redis = await startRedis({ args: ['--tls-port', tlsPort, '--tls-auth-clients', 'no', ...files] });
  onTestFinished(() => redis.remove());
  const addresses = {
    redis: { kind: 'single', url: `rediss://localhost:${tlsPort}` },
    nats: [`tls://localhost:${nats.process.port}`],
    prefix: 'test',
  } as const;

  const ca = { ca: authority.file };
  const trusting = opened({ ...addresses, redisTls: ca, natsTls: ca });
  await eventually(() => trusting.registry.state === 'connected' && trusting.signals.state === 'connected');
  expect(await trusting.registry.tunnel(SHOP)).toBeUndefined();

  const wary = opened(addresses);
  await expect(wary.registry.tunnel(SHOP)).rejects.toBeInstanceOf(RegistryDownError);
  expect(wary.signals.state).toBe('disconnected');
}, 60_000);

function opened(settings: Parameters<typeof openRouterParts>[0]): OpenParts {
  const parts = openRouterParts(settings, { logger: silentLogger });
  onTestFinished(() => parts.close());
  return parts;
}
