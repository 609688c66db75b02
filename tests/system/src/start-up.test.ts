import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CulvertProcess, eventually, freePort, startNats, startRedis } from '@culvert/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ask } from './testing/http-client.ts';

const TUNNEL = '4d21094e-b74c-4916-86c1-d9fa36ea677b';

const REDIS_AWAY = 'redis is not reachable; trying again';
const NATS_AWAY = 'nats is not reachable; trying again';

let folder = '';
const processes: CulvertProcess[] = [];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'culvert-start-'));
});
afterEach(async () => {
  await Promise.all(processes.splice(0).map((process) => process.stop('SIGKILL')));
});
afterAll(() => rmSync(folder, { recursive: true }));

function launch(kind: string, text: string): CulvertProcess {
  const file = join(folder, `${kind}.yml`);
  writeFileSync(file, text);
  const process = new CulvertProcess([kind, '--config', file]);
  processes.push(process);
  return process;
}

const statusOf = async (port: number, path: string): Promise<number> =>
  (await ask({ host: '127.0.0.1', port }, 'admin', { path })).status;

describe('an address that cannot be listened on ends the start with one clear line', () => {
  let taken: Server;
  let port = 0;
  beforeAll(async () => {
    taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    port = (taken.address() as AddressInfo).port;
  });
  afterAll(() => new Promise((resolve) => taken.close(resolve)));

  const failure = async (kind: string, text: string): Promise<string> => {
    const process = launch(kind, text);
    expect((await process.ended).status).toBe(1);
    expect(process.stderr.trim().split('\n')).toHaveLength(1);
    return process.stderr;
  };

  const edge = (keys: string): string => `id: a\nsecret: s\n${keys}\n`;
  const FREE = 'entryPoints: [{ listen: "127.0.0.1:0" }]';

  it.each([
    ['the entry point', (at: string) => edge(`entryPoints: [{ listen: "${at}" }]`), 'entry point'],
    ['the agents', (at: string) => edge(`${FREE}\nagents: { listen: "${at}" }`), 'agents'],
    ['the peers', (at: string) => edge(`${FREE}\npeers: { listen: "${at}" }`), 'peers'],
    ['the admin server', (at: string) => edge(`${FREE}\nadmin: { listen: "${at}" }`), 'admin'],
  ])('for %s of an edge', async (_, settings, name) => {
    const inUse = await failure('edge', settings(`127.0.0.1:${port}`));
    expect(inUse).toContain(`${name}: address 127.0.0.1:${port} is in use by another process`);
    // An address for documentation (RFC 5737): no machine has it.
    const foreign = await failure('edge', settings('192.0.2.1:8080'));
    expect(foreign).toContain(`${name}: cannot listen on 192.0.2.1:8080: this machine has no such address`);
  });

  it('for a router and for an agent', async () => {
    const at = `127.0.0.1:${port}`;
    expect(await failure('router', `admin: { listen: "${at}", token: x }`)).toContain(
      `admin: address ${at} is in use`,
    );
    const agent = `tunnel: ${TUNNEL}\ntoken: x\nedges: ["127.0.0.1:7000"]\ningress: [{ service: "http_status:404" }]\n`;
    expect(await failure('agent', `${agent}admin: { listen: "${at}" }`)).toContain(
      `admin: address ${at} is in use`,
    );
  });

  it.skipIf(process.getuid?.() === 0)(
    'for a port that needs privileges (as root there is none)',
    async () => {
      const denied = await failure('edge', edge('entryPoints: [{ listen: "127.0.0.1:80" }]'));
      expect(denied).toContain('no permission to listen on 127.0.0.1:80');
    },
  );
});

describe('a service whose neighbours are not there yet says so and waits', () => {
  it('a router: for Redis and NATS', async () => {
    const [admin, redisPort, natsPort] = [await freePort(), await freePort(), await freePort()];
    const router = launch(
      'router',
      `redis: redis://127.0.0.1:${redisPort}\nnats: nats://127.0.0.1:${natsPort}\nadmin: { listen: "127.0.0.1:${admin}", token: x }\n`,
    );
    await router.line(REDIS_AWAY, ({ address }) => address === `redis://127.0.0.1:${redisPort}`);
    await router.line(NATS_AWAY, ({ address }) => address === `nats://127.0.0.1:${natsPort}`);
    await eventually(async () => (await statusOf(admin, '/readyz')) === 503);
    expect(await statusOf(admin, '/healthz')).toBe(200);
    expect(router.log.some(({ msg }) => msg === 'ready')).toBe(false);
    const redis = await startRedis({ port: redisPort });
    onTestFinished(() => redis.remove());
    const nats = await startNats({ port: natsPort });
    onTestFinished(async () => void (await nats.process.stop()));
    await router.ready();
    expect(await statusOf(admin, '/readyz')).toBe(200);
  });

  it('an edge: for NATS', async () => {
    const [admin, http, natsPort] = [await freePort(), await freePort(), await freePort()];
    const edge = launch(
      'edge',
      `id: a\nnats: nats://127.0.0.1:${natsPort}\nentryPoints: [{ listen: "127.0.0.1:${http}" }]\nadmin: { listen: "127.0.0.1:${admin}" }\n`,
    );
    await edge.line(NATS_AWAY);
    expect([await statusOf(admin, '/healthz'), await statusOf(admin, '/readyz')]).toEqual([200, 503]);
    const { status, headers } = await ask({ host: '127.0.0.1', port: http }, 'any.test');
    expect([status, headers['x-culvert-error']]).toEqual([503, 'registry_unavailable']);
    expect(edge.log.some(({ msg }) => msg === 'ready')).toBe(false);
    const nats = await startNats({ port: natsPort });
    onTestFinished(async () => void (await nats.process.stop()));
    await edge.ready();
    expect(await statusOf(admin, '/readyz')).toBe(200);
  });

  it.each(['edge', 'router'])('an %s that still waits can be stopped', async (kind) => {
    const nats = `nats: nats://127.0.0.1:${await freePort()}\n`;
    const keys = kind === 'edge' ? 'id: a\nentryPoints: [{ listen: "127.0.0.1:0" }]\n' : '';
    const process = launch(kind, nats + keys);
    await process.line(NATS_AWAY);
    const since = performance.now();
    expect(await process.stop('SIGTERM')).toEqual({ status: 0, signal: null });
    expect(performance.now() - since).toBeLessThan(10_000);
  });

  it('an agent: for its edge', async () => {
    const port = await freePort();
    const agent = launch(
      'agent',
      `tunnel: ${TUNNEL}\ntoken: x\nedges: ["127.0.0.1:${port}"]\ningress: [{ service: "http_status:404" }]\n`,
    );
    const line = await agent.line('edge unreachable');
    expect(line).toMatchObject({ level: 'warn', address: `tcp://127.0.0.1:${port}` });
    expect(line['reason']).toContain('ECONNREFUSED');
    expect(agent.alive).toBe(true);
  });

  it('what is away for long is told once, not again and again', async () => {
    const natsPort = await freePort();
    const nats = `nats: nats://127.0.0.1:${natsPort}\n`;
    const router = launch('router', `${nats}admin: { listen: "127.0.0.1:0", token: x }\n`);
    const edge = launch('edge', `${nats}id: a\nentryPoints: [{ listen: "127.0.0.1:0" }]\n`);
    await Promise.all([router.line(NATS_AWAY), edge.line(NATS_AWAY)]);
    // A server that refuses every connection counts them: both have tried several times by then.
    let tries = 0;
    const refusing = createServer((socket) => {
      tries++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => refusing.listen(natsPort, '127.0.0.1', resolve));
    onTestFinished(() => void refusing.close());
    await eventually(() => tries >= 4, { timeoutMs: 20_000 });
    for (const { log } of [router, edge]) expect(log.filter(({ msg }) => msg === NATS_AWAY)).toHaveLength(1);
  });
});
