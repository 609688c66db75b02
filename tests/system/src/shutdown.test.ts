import { eventually, freePort } from '@culvert/testkit';
import { afterEach, beforeAll, afterAll, describe, expect, it } from 'vitest';
import type { ConfiguredService } from './testing/configured-service.ts';
import { ask } from './testing/http-client.ts';
import type { Place } from './testing/http-client.ts';
import { Installation, SHOP } from './testing/installation.ts';
import { LocalService } from './testing/local-service.ts';

const GRACEFUL = { status: 0, signal: null };

describe('a service that is told to stop', () => {
  let site: Installation;
  let shop: LocalService;
  let agent: ConfiguredService;
  let agentAdmin: Place;
  beforeAll(async () => {
    shop = await LocalService.start('shop');
    site = await Installation.start({
      routers: 2,
      routes: [{ hostname: 'shop.test', tunnel: SHOP }],
      edge: { drainDelay: '300ms', drainTimeout: '15s' },
    });
    agentAdmin = { host: '127.0.0.1', port: await freePort() };
    const admin = { listen: `127.0.0.1:${agentAdmin.port}` };
    agent = site.agent({ ingress: [{ service: shop.url }], admin, drainTimeout: '15s' });
    await agent.start();
  });
  afterEach(async () => {
    shop.openGate();
    const stopped = [...site.edges, ...site.routers, { service: agent }].filter(
      ({ service }) => !service.process.alive,
    );
    await Promise.all(stopped.map(({ service }) => service.start()));
    await eventually(async () => (await ask(site.edge(0).http, 'shop.test')).status === 200, {
      timeoutMs: 20_000,
    });
  });
  afterAll(async () => {
    await site.stop();
    await shop.stop();
  });

  const readiness = async (admin: Place): Promise<number> =>
    (await ask(admin, 'admin', { path: '/readyz' })).status;
  /** A request that the service has taken and does not answer yet. */
  const pending = async () => {
    const answer = ask(site.edge(0).http, 'shop.test', { path: '/gate' });
    answer.catch(() => undefined);
    await eventually(() => shop.waiting === 1);
    return { answer };
  };

  it('was healthy and ready before, and shows what it counts', async () => {
    for (const [admin, sample] of [
      [site.edge(0).admin, 'culvert_edge_sessions 1'],
      [site.router(0).admin, 'culvert_router_registry_up 1'],
      [agentAdmin, 'culvert_agent_links{state="attached"} 1'],
    ] as const) {
      expect(await ask(admin, 'admin', { path: '/healthz' })).toMatchObject({ status: 200 });
      expect(await readiness(admin)).toBe(200);
      expect((await ask(admin, 'admin', { path: '/metrics' })).text).toContain(sample);
    }
  });

  it('an edge: is not ready at once, still accepts, finishes what runs, and exits with 0', async () => {
    const { answer } = await pending();
    const { process } = site.edge(0).service;
    process.signal('SIGTERM');
    await eventually(async () => (await readiness(site.edge(0).admin)) === 503, { timeoutMs: 1_000 });
    // The entry point closes after the delay; the request goes on.
    await eventually(() =>
      ask(site.edge(0).http, 'shop.test').then(
        () => false,
        () => true,
      ),
    );
    expect(process.alive).toBe(true);
    shop.openGate();
    expect(await answer).toMatchObject({ status: 200, text: 'through the gate of shop\n' });
    expect(await process.ended).toEqual(GRACEFUL);
    expect(await site.list('edges')).toEqual([]);
  });

  it('an agent: finishes what runs, and exits with 0', async () => {
    const { answer } = await pending();
    agent.process.signal('SIGTERM');
    await eventually(async () => (await readiness(agentAdmin)) === 503, { timeoutMs: 1_000 });
    await eventually(async () => (await ask(site.edge(0).http, 'shop.test')).status === 503);
    shop.openGate();
    expect(await answer).toMatchObject({ status: 200 });
    expect(await agent.process.ended).toEqual(GRACEFUL);
  });

  it('a router: leaves the work to the other one, and exits with 0', async () => {
    expect(await site.router(0).service.stop('SIGTERM')).toEqual(GRACEFUL);
    const hostname = 'during.test';
    expect((await site.api('POST', '/routes', { hostname, tunnel: SHOP }, 1)).status).toBe(201);
    await eventually(async () => (await ask(site.edge(0).http, hostname)).status === 200, {
      timeoutMs: 1_000,
    });
  });

  it.each(['edge', 'agent'] as const)('an idle %s exits well within the drain time', async (kind) => {
    const service = kind === 'edge' ? site.edge(0).service : agent;
    const since = performance.now();
    expect(await service.stop('SIGTERM')).toEqual(GRACEFUL);
    expect(performance.now() - since).toBeLessThan(5_000);
  });

  it.each(['edge', 'agent'] as const)('a busy %s that is told twice stops at once, with 1', async (kind) => {
    const { answer } = await pending();
    const { process } = kind === 'edge' ? site.edge(0).service : agent;
    process.signal('SIGINT');
    await process.line('draining');
    process.signal('SIGINT');
    expect(await process.ended).toEqual({ status: 1, signal: null });
    await answer.catch(() => undefined);
  });
});
