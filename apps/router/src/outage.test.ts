import { execFileSync } from 'node:child_process';
import {
  AUTHENTICATE,
  EDGE_LEASE,
  PORT_ROUTES,
  RESOLVE,
  RESYNC,
  ROUTES_CHANGED,
  SESSIONS,
  everyRouter,
} from '@culvert/signals';
import type { ResolveReply } from '@culvert/signals';
import { silentLogger } from '@culvert/telemetry';
import { eventually, freePort, startNats, startRedis } from '@culvert/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { startRouter } from './compose.ts';
import type { RunningRouter } from './compose.ts';
import { openRouterParts } from './parts.ts';
import {
  ASK,
  authentication,
  call,
  edge,
  FILE,
  listen,
  realInstallation,
  reasonOf,
  runRouter,
  session,
  SHOP,
  SHOP_TOKEN,
} from './testing/router-kit.ts';

it('while redis is away known names are resolved, known tokens admitted, and writes refused clearly', async () => {
  const installation = await realInstallation();
  const router = await runRouter(installation, {
    routes: [
      { hostname: '.example.com', tunnel: SHOP },
      { port: 10_022, tunnel: SHOP },
    ],
  });
  const asking = await installation.signals();
  await call(router, 'POST', '/routes', { hostname: 'api.test', tunnel: SHOP });
  await asking.request(RESOLVE, { hostname: 'api.test' }, ASK);
  await call(router, 'POST', '/tunnels', { name: 'blog', token: 'blog-token', id: BLOG });
  await asking.request(AUTHENTICATE, authentication('blog-token', BLOG), ASK);

  await installation.redis.process.stop('SIGKILL');
  await isAway(router);

  expect(await resolved(asking.request(RESOLVE, { hostname: 'api.test' }, ASK))).toEqual([SHOP]);
  expect(await resolved(asking.request(RESOLVE, { hostname: 'never-asked.example.com' }, ASK))).toEqual([
    SHOP,
  ]);
  expect(await resolved(asking.request(PORT_ROUTES, {}, ASK))).toEqual([SHOP]);
  expect(reasonOf(await asking.request(AUTHENTICATE, authentication(SHOP_TOKEN, SHOP), ASK))).toBe('allowed');
  expect(reasonOf(await asking.request(AUTHENTICATE, authentication('blog-token', BLOG), ASK))).toBe(
    'allowed',
  );
  expect(await asking.request(EDGE_LEASE, edge(), ASK)).toEqual({ resync: false });
  expect(router.status()).toBe(true);
  const refused = await call(router, 'POST', '/routes', { hostname: 'late.test', tunnel: SHOP });
  expect(refused).toMatchObject({ status: 503, body: { error: { code: 'registry_unavailable' } } });
  // Nothing is known of these, which is not the same as that they do not exist.
  const unavailable = { error: 'registry_unavailable' };
  expect(await asking.request(RESOLVE, { hostname: 'unknown.test' }, ASK)).toEqual(unavailable);
  expect(await asking.request(AUTHENTICATE, authentication('wrong', SHOP), ASK)).toEqual(unavailable);
});

it('while redis is away the API tells what it told last, and since when that is so', async () => {
  const installation = await realInstallation();
  const router = await runRouter(installation);
  const told = await call(router, 'GET', '/routes');
  const tunnel = await call(router, 'GET', `/tunnels/${SHOP}`);
  const created = await call(router, 'POST', '/routes', { hostname: 'gone.test', tunnel: SHOP });
  const gone = `/routes/${encodeURIComponent((created.body as { id: string }).id)}`;
  for (const [method, status] of [
    ['GET', 200],
    ['DELETE', 204],
    ['GET', 404],
  ] as const) {
    expect((await call(router, method, gone)).status).toBe(status);
  }
  await installation.redis.process.stop('SIGKILL');
  await isAway(router);

  const again = await call(router, 'GET', '/routes');
  expect(again).toMatchObject({ status: 200, body: told.body });
  expect(Date.parse(again.headers.get('x-culvert-as-of')!)).toBeGreaterThan(0);
  expect((await call(router, 'GET', `/tunnels/${SHOP}`)).body).toEqual(tunnel.body);
  for (const path of ['/routes?limit=7', '/sessions', gone]) {
    expect((await call(router, 'GET', path)).status).toBe(503);
  }
});

it('where all routers are asked each of them answers', async () => {
  const installation = await realInstallation();
  for (let n = 0; n < 2; n++) await runRouter(installation);
  const asking = await installation.signals();
  const replies: unknown[] = [];
  const onReply = (reply: unknown): void => void replies.push(reply);
  await asking.gather(everyRouter(RESOLVE), { hostname: 'example.com' }, { windowMs: 1_000, onReply });
  expect(await Promise.all(replies.map((reply) => resolved(Promise.resolve(reply))))).toEqual([
    [SHOP],
    [SHOP],
  ]);
});

it('when redis is back empty the file is loaded and edges are asked for their sessions', async () => {
  const installation = await realInstallation();
  const [router] = [await runRouter(installation), await runRouter(installation)];
  const asking = await installation.signals();
  const claims = { hostnames: ['app.localhost'], ports: [] };
  await asking.request(AUTHENTICATE, authentication('anyone', BLOG, claims), ASK);
  const [resyncs, changes] = [await listen(asking, RESYNC), await listen(asking, ROUTES_CHANGED)];

  await installation.redis.process.stop('SIGKILL');
  await isAway(router);
  await installation.redis.process.start();

  await eventually(() => resyncs.length > 0 && changes.some((change) => (change as { all: boolean }).all));
  expect(changes).toContainEqual({ hostnames: [], ports: true, all: true });
  expect(await resolved(asking.request(RESOLVE, { hostname: 'example.com' }, ASK))).toEqual([SHOP]);
  // The other router may still be reconnecting; it cannot say anything of names that it never met.
  const gone = (): Promise<boolean> =>
    resolved(asking.request(RESOLVE, { hostname: 'app.localhost' }, { timeoutMs: 200 })).then(
      (tunnels) => tunnels.length === 0,
    );
  await eventually(gone);

  const { digest } = authentication('anyone', BLOG);
  const sessions = [session(), session({ tunnel: BLOG, digest, claims })];
  await eventually(async () => {
    // Leases go on while sessions are told anew, as at an edge.
    await asking.request(EDGE_LEASE, edge(), ASK);
    asking.publish(SESSIONS, { edge: 'eu-1', boot: 'b1', seq: 7, mode: 'all', sessions });
    const { body } = await call(router, 'GET', '/sessions');
    return (body as { sessions: unknown[] }).sessions.length === 2;
  });
  await eventually(async () => {
    const tunnels = await resolved(asking.request(RESOLVE, { hostname: 'app.localhost' }, ASK));
    return tunnels[0] === BLOG;
  });
});

it('a redis that is emptied does not make names and tokens unknown, not for a moment', async () => {
  const installation = await realInstallation();
  await runRouter(installation);
  const asking = await installation.signals();
  const claims = { hostnames: ['app.localhost'], ports: [] };
  const { digest } = authentication('anyone', BLOG);
  const sessions = [session({ tunnel: BLOG, digest, claims })];
  const tell = () => asking.publish(SESSIONS, { edge: 'eu-1', boot: 'b1', seq: 1, mode: 'all', sessions });
  const wrong: unknown[] = [];
  const ask = async (): Promise<void> => {
    // As an edge does.
    if (((await asking.request(EDGE_LEASE, edge(), ASK)) as { resync: boolean }).resync) tell();
    const lead = { 'example.com': SHOP, 'app.localhost': BLOG };
    for (const [hostname, tunnel] of Object.entries(lead)) {
      const reply = await asking.request(RESOLVE, { hostname }, ASK);
      // Of claims a router may not know more; edges go on with what they know.
      if (!('error' in (reply as object)) && !JSON.stringify(reply).includes(tunnel))
        wrong.push({ hostname, reply });
    }
    const reply = await asking.request(AUTHENTICATE, authentication(SHOP_TOKEN, SHOP), ASK);
    if (reasonOf(reply) !== 'allowed') wrong.push(reply);
  };
  await asking.request(AUTHENTICATE, authentication('anyone', BLOG, claims), ASK);
  await asking.request(EDGE_LEASE, edge(), ASK);
  tell();
  await ask();
  asking.subscribe(RESYNC, tell);
  const changes = await listen(asking, ROUTES_CHANGED);
  execFileSync('redis-cli', ['-p', String(installation.redis.process.port), 'flushall']);
  const isOver = (): boolean => changes.some((change) => (change as { all: boolean }).all);
  await eventually(() => ask().then(isOver), { timeoutMs: 15_000 });
  await ask();
  expect(await resolved(asking.request(RESOLVE, { hostname: 'app.localhost' }, ASK))).toEqual([BLOG]);
  expect(wrong).toEqual([]);
});

it('a redis that is emptied while connected is noticed', async () => {
  const installation = await realInstallation();
  await runRouter(installation);
  const asking = await installation.signals();
  const resyncs = await listen(asking, RESYNC);
  execFileSync('redis-cli', ['-p', String(installation.redis.process.port), 'flushall']);
  await eventually(() => resyncs.length > 0);
  expect(await resolved(asking.request(RESOLVE, { hostname: 'example.com' }, ASK))).toEqual([SHOP]);
});

it('a route created while nats is away is resolved when it is back', async () => {
  const installation = await realInstallation();
  const router = await runRouter(installation);
  const asking = await installation.signals();
  await installation.nats.process.stop('SIGKILL');
  await eventually(() => router.status() !== true);
  expect((await call(router, 'POST', '/routes', { hostname: 'new.test', tunnel: SHOP })).status).toBe(201);
  await installation.nats.process.start();
  await eventually(() => asking.state === 'connected' && router.status() === true, { timeoutMs: 15_000 });
  expect(await resolved(asking.request(RESOLVE, { hostname: 'new.test' }, ASK))).toEqual([SHOP]);
});

it('a router that starts while redis and nats are away is ready when they are there', async () => {
  const [redisPort, natsPort] = [await freePort(), await freePort()];
  const settings = { redis: { kind: 'single', url: `redis://127.0.0.1:${redisPort}` } } as const;
  const nats = [`nats://127.0.0.1:${natsPort}`];
  const parts = openRouterParts({ ...settings, nats, prefix: 'culvert' }, { logger: silentLogger });
  onTestFinished(() => parts.close());
  const router = await startRouter(FILE, parts);
  onTestFinished(() => router.drain());
  expect(router.status()).not.toBe(true);
  expect((await call(router, 'GET', '/tunnels')).status).toBe(503);
  const redis = await startRedis({ port: redisPort });
  onTestFinished(() => redis.remove());
  const server = await startNats({ port: natsPort });
  onTestFinished(() => server.process.stop());
  await router.ready;
  expect(router.status()).toBe(true);
  expect(await call(router, 'GET', `/tunnels/${SHOP}`)).toMatchObject({
    status: 200,
    body: { source: 'file' },
  });
});

const BLOG = '00000000-0000-4000-8000-000000000001';

async function resolved(asking: Promise<unknown>): Promise<string[]> {
  return ((await asking) as ResolveReply).routes.map(({ tunnel }) => tunnel);
}

/** The router has noticed that redis is away. */
async function isAway(router: RunningRouter): Promise<void> {
  const body = { name: 'late', token: 'late-token' };
  await eventually(async () => (await call(router, 'POST', '/tunnels', body)).status === 503);
}
