import { execFileSync } from 'node:child_process';
import { registryContract } from '@culvert/registry/contract';
import { eventually, freePort, startRedis } from '@culvert/testkit';
import type { RedisServer } from '@culvert/testkit';
import { afterAll, beforeAll } from 'vitest';
import { RedisRegistry } from './redis-registry.ts';

let nodes: RedisServer[] = [];
let opened = 0;
beforeAll(async () => {
  nodes = await Promise.all([startNode(), startNode(), startNode()]);
  const addresses = nodes.map((node) => `127.0.0.1:${node.process.port}`);
  execFileSync('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes'], { stdio: 'pipe' });
}, 60_000);
afterAll(() => Promise.all(nodes.map((node) => node.remove())));

registryContract('RedisRegistry on a cluster', async (times) => {
  opened += 1;
  const redis = nodes.map((node) => node.url);
  const registry = new RedisRegistry({ redis, prefix: `test${opened}:`, times });
  await eventually(() => registry.state === 'connected', { timeoutMs: 15_000 });
  return registry;
});

async function startNode(): Promise<RedisServer> {
  const bus = await freePort();
  return startRedis({ args: ['--cluster-enabled', 'yes', '--cluster-port', String(bus)] });
}
