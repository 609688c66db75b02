import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import {
  AUTHENTICATE,
  EDGE_BYE,
  EDGE_LEASE,
  PORT_ROUTES,
  RESOLVE,
  RESYNC,
  ROUTES_CHANGED,
  SESSIONS,
  TUNNEL_REVOKED,
} from '@culvert/signals';
import type { ResolveReply, SessionInfo, Signals } from '@culvert/signals';
import { Secret } from '@culvert/settings';
import { eventually } from '@culvert/testkit';
import { describe, expect, it } from 'vitest';
import {
  ASK,
  authentication,
  call,
  edge,
  listen,
  memoryInstallation,
  realInstallation,
  reasonOf,
  runRouter,
  session,
  SHOP,
  SHOP_TOKEN,
  TIMES,
  tokenSettings,
} from './testing/router-kit.ts';
import type { Installation } from './testing/router-kit.ts';
import { digestOf } from './digest.ts';

describe.each<[string, () => Installation | Promise<Installation>]>([
  ['in one process', memoryInstallation],
  ['on redis and nats', realInstallation],
])('two routers %s', (_, install) => {
  it('share the questions of edges', async () => {
    const installation = await install();
    const routers = [await runRouter(installation), await runRouter(installation)];
    const asking = await installation.signals();
    for (let at = 0; at < 40; at++) {
      expect(await tunnelsFor(asking, 'example.com')).toEqual([SHOP]);
    }
    expect(routers).toHaveLength(2);
    await routers[0]?.drain();
    expect(await tunnelsFor(asking, 'a.example.com')).toEqual([SHOP]);
    expect(await tunnelsFor(asking, 'A.Example.COM.')).toEqual([SHOP]);
    expect(await tunnelsFor(asking, 'unknown.test')).toEqual([]);
    expect(await tunnelsFor(asking, 'no hostname')).toEqual([]);
  });

  it('a route created at one is resolved by the other at once, and edges are told', async () => {
    const installation = await install();
    const [first, second] = [await runRouter(installation), await runRouter(installation)];
    const asking = await installation.signals();
    const changes = await listen(asking, ROUTES_CHANGED);
    const route = { hostname: 'new.test', path: '/v1', tunnel: SHOP };
    const created = await call(first, 'POST', '/routes', route);
    expect(created.status).toBe(201);
    await first.drain();
    const { routes } = (await asking.request(RESOLVE, { hostname: 'new.test' }, ASK)) as ResolveReply;
    expect(routes).toEqual([{ id: (created.body as { id: string }).id, ...route }]);
    await eventually(() => changes.length === 1);
    expect(changes).toEqual([{ hostnames: ['new.test'], ports: false, all: false }]);

    const { id } = created.body as { id: string };
    expect((await call(second, 'DELETE', `/routes/${id}`)).status).toBe(204);
    expect(await tunnelsFor(asking, 'new.test')).toEqual([]);
    await eventually(() => changes.length === 2);
  });

  it('port routes are listed for edges', async () => {
    const installation = await install();
    const router = await runRouter(installation);
    const asking = await installation.signals();
    const changes = await listen(asking, ROUTES_CHANGED);
    await call(router, 'POST', '/routes', { port: 10_022, tunnel: SHOP });
    const { routes } = (await asking.request(PORT_ROUTES, {}, ASK)) as ResolveReply;
    expect(routes).toEqual([{ id: ':10022', port: 10_022, tunnel: SHOP }]);
    await eventually(() => changes.length === 1);
    expect(changes).toEqual([{ hostnames: [], ports: true, all: false }]);
  });

  it('agents are admitted by token and tunnel', async () => {
    const installation = await install();
    await runRouter(installation);
    const asking = await installation.signals();
    const ask = (token: string, tunnel: string): Promise<unknown> =>
      asking.request(AUTHENTICATE, authentication(token, tunnel), ASK);
    expect(await ask(SHOP_TOKEN, SHOP)).toEqual({ allow: true, tunnelName: 'shop' });
    expect(reasonOf(await ask('wrong', SHOP))).toBe('wrong_token');
    expect(reasonOf(await ask(SHOP_TOKEN, randomUUID()))).toBe('unknown_tunnel');
    expect(reasonOf(await ask('wrong', randomUUID()))).toBe('unknown_tunnel');
    expect(reasonOf(await ask('wrong', 'no-uuid'))).toBe('unknown_tunnel');
    const own = randomUUID();
    expect(await ask('anyone', own)).toEqual({ allow: true, tunnelName: own });
    expect(await ask('anyone', SHOP)).toEqual({ allow: true, tunnelName: 'shop' });
    expect(reasonOf(await ask('anyone', 'no-uuid'))).toBe('unknown_tunnel');
  });

  it('what an agent claims within the scope of its token becomes a route', async () => {
    const installation = await install();
    await runRouter(installation, { tokens: [tokenSettings('anyone'), tokenSettings('somebody')] });
    const asking = await installation.signals();
    const changes = await listen(asking, ROUTES_CHANGED);
    const [mine, theirs] = [randomUUID(), randomUUID()];
    const claim = (token: string, tunnel: string, hostname: string, ports: number[] = []): Promise<unknown> =>
      asking.request(AUTHENTICATE, authentication(token, tunnel, { hostnames: [hostname], ports }), ASK);
    expect(reasonOf(await claim('anyone', mine, 'App.localhost', [7_100]))).toBe('allowed');
    expect(await tunnelsFor(asking, 'app.localhost')).toEqual([mine]);
    await eventually(() => changes.length === 1);
    expect(changes).toEqual([{ hostnames: ['app.localhost'], ports: true, all: false }]);

    expect(reasonOf(await claim('somebody', theirs, 'app.localhost'))).toBe('claim_taken');
    expect(reasonOf(await claim('somebody', theirs, 'app.test'))).toBe('claim_refused');
    expect(reasonOf(await claim('somebody', theirs, 'localhost'))).toBe('claim_refused');
    expect(reasonOf(await claim('somebody', theirs, 'b.localhost', [22]))).toBe('claim_refused');
    expect(reasonOf(await claim('anyone', theirs, '.example.com'))).toBe('claim_refused');
    expect(reasonOf(await claim(SHOP_TOKEN, SHOP, '.example.com'))).toBe('allowed');
    expect(await tunnelsFor(asking, 'app.localhost')).toEqual([mine]);
  });

  it('a claim ends a grace time after its last session, and edges are told', async () => {
    const installation = await install();
    await runRouter(installation);
    const asking = await installation.signals();
    const claims = { hostnames: ['app.localhost'], ports: [] };
    const mine = randomUUID();
    const changes = await listen(asking, ROUTES_CHANGED);
    await asking.request(AUTHENTICATE, authentication('anyone', mine, claims), ASK);
    const granted = { hostnames: ['app.localhost'], ports: false, all: false };
    await eventually(() => isDeepStrictEqual(changes.at(-1), granted));
    changes.length = 0;
    await attach(asking, [session({ tunnel: mine, digest: digestOf('anyone'), claims })]);
    const held = performance.now() + 2 * (TIMES.leaseTtl + TIMES.claimGrace);
    await eventually(async () => {
      await asking.request(EDGE_LEASE, edge(), ASK);
      return performance.now() > held;
    });
    expect(await tunnelsFor(asking, 'app.localhost')).toEqual([mine]);
    expect(changes).toEqual([]);
    await eventually(() => changes.length === 1);
    expect(changes).toEqual([granted]);
    expect(await tunnelsFor(asking, 'app.localhost')).toEqual([]);
  });

  it('sessions are shown while their edge renews its lease, and vanish with it', async () => {
    const installation = await install();
    const router = await runRouter(installation);
    const asking = await installation.signals();
    const one = session();
    expect(await asking.request(EDGE_LEASE, edge(), ASK)).toEqual({ resync: true });
    await attach(asking, [one]);
    expect(await asking.request(EDGE_LEASE, edge(), ASK)).toEqual({ resync: false });
    await eventually(async () => (await sessionsAt(router)).length === 1);
    const [shown] = await sessionsAt(router);
    const { digest: _digest, since: _since, ...visible } = one;
    expect(shown).toMatchObject(visible);
    expect(JSON.stringify(shown)).not.toContain(one.digest);
    expect((await call(router, 'GET', `/sessions?tunnel=${randomUUID()}`)).body).toEqual({ sessions: [] });
    expect((await call(router, 'GET', '/edges')).body).toEqual({ edges: [edge()] });
    await eventually(async () => (await sessionsAt(router)).length === 0);
    expect((await call(router, 'GET', '/edges')).body).toEqual({ edges: [] });
  });

  it('an edge that says goodbye is gone at once', async () => {
    const installation = await install();
    const router = await runRouter(installation);
    const asking = await installation.signals();
    await attach(asking, [session()]);
    await asking.request(EDGE_BYE, { id: 'eu-1', boot: 'b1' }, ASK);
    expect((await call(router, 'GET', '/edges')).body).toEqual({ edges: [] });
    expect(await sessionsAt(router)).toEqual([]);
  });

  it('deleting a tunnel ends its sessions and its routes', async () => {
    const installation = await install();
    const router = await runRouter(installation);
    const asking = await installation.signals();
    const [changes, revoked] = [await listen(asking, ROUTES_CHANGED), await listen(asking, TUNNEL_REVOKED)];
    expect((await call(router, 'DELETE', `/tunnels/${SHOP}`)).status).toBe(204);
    await eventually(() => changes.length === 1 && revoked.length === 1);
    expect(revoked).toEqual([{ tunnel: SHOP }]);
    expect(await tunnelsFor(asking, 'example.com')).toEqual([]);
    const reply = await asking.request(AUTHENTICATE, authentication(SHOP_TOKEN, SHOP), ASK);
    expect(reasonOf(reply)).toBe('unknown_tunnel');
  });

  it('deleting a token ends the sessions that it admitted, in every tunnel', async () => {
    const installation = await install();
    const router = await runRouter(installation);
    const asking = await installation.signals();
    const revoked = await listen(asking, TUNNEL_REVOKED);
    const mine = randomUUID();
    const digest = digestOf('anyone');
    await attach(asking, [session(), session({ tunnel: mine, digest })]);
    await eventually(async () => (await sessionsAt(router)).length === 2);
    expect((await call(router, 'DELETE', `/tokens/${digest.slice(0, 32)}`)).status).toBe(204);
    await eventually(() => revoked.length > 0);
    expect(revoked).toEqual([{ tunnel: mine, digest }]);
    expect(reasonOf(await asking.request(AUTHENTICATE, authentication('anyone', mine), ASK))).toBe(
      'unknown_tunnel',
    );
  });

  it('what is gone from the file is removed at the next start, and what the API made stays', async () => {
    const installation = await install();
    const blog = randomUUID();
    const before = await runRouter(installation, {
      tunnels: [
        { id: SHOP, name: 'shop', token: new Secret(SHOP_TOKEN) },
        { id: blog, name: 'blog', token: new Secret('blog-token') },
      ],
      routes: [
        { hostname: 'shop.test', tunnel: SHOP },
        { hostname: 'blog.test', tunnel: blog },
      ],
    });
    await call(before, 'POST', '/routes', { hostname: 'api.test', tunnel: SHOP });
    await before.drain();
    const asking = await installation.signals();
    const [changes, revoked] = [await listen(asking, ROUTES_CHANGED), await listen(asking, TUNNEL_REVOKED)];

    const tunnels = [{ id: SHOP, name: 'shop', token: new Secret('rotated') }];
    await runRouter(installation, { tunnels, routes: [{ hostname: 'shop.test', tunnel: SHOP }] });

    expect(await tunnelsFor(asking, 'shop.test')).toEqual([SHOP]);
    expect(await tunnelsFor(asking, 'api.test')).toEqual([SHOP]);
    expect(await tunnelsFor(asking, 'blog.test')).toEqual([]);
    await eventually(() => changes.length > 0 && revoked.length === 3);
    expect(changes).toEqual([{ hostnames: ['blog.test'], ports: false, all: false }]);
    expect(revoked).toContainEqual({ tunnel: blog });
    expect(revoked).toContainEqual({ tunnel: SHOP, digest: digestOf(SHOP_TOKEN) });
    const reply = await asking.request(AUTHENTICATE, authentication(SHOP_TOKEN, SHOP), ASK);
    expect(reasonOf(reply)).toBe('wrong_token');
  });

  it('a file without any items removes nothing at the start', async () => {
    const installation = await install();
    await (await runRouter(installation)).drain();
    const asking = await installation.signals();
    await runRouter(installation, { tunnels: [], routes: [], tokens: [] });
    expect(await tunnelsFor(asking, 'shop.example.com')).toEqual([SHOP]);
    const reply = await asking.request(AUTHENTICATE, authentication(SHOP_TOKEN, SHOP), ASK);
    expect(reasonOf(reply)).toBe('allowed');
  });

  it('a start over an empty registry asks edges for their sessions', async () => {
    const installation = await install();
    const asking = await installation.signals();
    const resyncs = await listen(asking, RESYNC);
    await runRouter(installation);
    await eventually(() => resyncs.length === 1);
  });
});

async function tunnelsFor(asking: Signals, hostname: string): Promise<string[]> {
  const { routes } = (await asking.request(RESOLVE, { hostname }, ASK)) as ResolveReply;
  return routes.map(({ tunnel }) => tunnel);
}

async function attach(asking: Signals, sessions: readonly SessionInfo[]): Promise<void> {
  await asking.request(EDGE_LEASE, edge(), ASK);
  asking.publish(SESSIONS, { edge: 'eu-1', boot: 'b1', seq: 1, mode: 'all', sessions });
  await eventually(async () => {
    const { resync } = (await asking.request(EDGE_LEASE, edge(), ASK)) as { resync: boolean };
    return !resync;
  });
}

async function sessionsAt(router: Parameters<typeof call>[0]): Promise<unknown[]> {
  return ((await call(router, 'GET', '/sessions')).body as { sessions: unknown[] }).sessions;
}
