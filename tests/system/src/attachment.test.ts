import { setTimeout as wait } from 'node:timers/promises';
import { eventually, freePort, TcpProxy } from '@culvert/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConfiguredService } from './testing/configured-service.ts';
import { ask } from './testing/http-client.ts';
import type { Answer, Place } from './testing/http-client.ts';
import { at, Installation, metric, SHOP } from './testing/installation.ts';
import type { EdgeNode } from './testing/installation.ts';
import { LocalService } from './testing/local-service.ts';

/** Within seconds, and some more for a busy machine. */
const SOON = { timeoutMs: 8_000 };
const CLIENTS = 8;

/** Clients of a balancer that asks the edges whether they are ready, and the agent whether it has a link. */
class BalancedLoad {
  done = 0;
  readonly failures: string[] = [];
  readonly #edges: readonly EdgeNode[];
  readonly #ready: Set<EdgeNode>;
  readonly #running: Promise<void>[];
  #turn = 0;
  #stopped = false;

  constructor(edges: readonly EdgeNode[], agent: Place) {
    this.#edges = edges;
    this.#ready = new Set(edges);
    const clients = Array.from({ length: CLIENTS }, () => this.#ask());
    this.#running = [...clients, this.#watchEdges(), this.#watchAgent(agent)];
  }

  reaches(count: number): Promise<unknown> {
    return eventually(() => this.done >= count, { timeoutMs: 30_000 });
  }

  async stop(): Promise<readonly string[]> {
    this.#stopped = true;
    await Promise.all(this.#running);
    return this.failures;
  }

  async #ask(): Promise<void> {
    while (!this.#stopped) {
      const ready = [...this.#ready];
      const edge = ready[this.#turn++ % ready.length];
      if (edge === undefined) this.failures.push('no edge is ready');
      else {
        const { status, headers } = await ask(edge.http, 'shop.test').catch(unanswered);
        if (status !== 200) this.failures.push(`${edge.id}: ${status} ${String(headers['x-culvert-error'])}`);
        this.done++;
      }
      await wait(5);
    }
  }

  async #watchEdges(): Promise<void> {
    while (!this.#stopped) {
      for (const edge of this.#edges) {
        const { status } = await ask(edge.admin, 'admin', { path: '/readyz' }).catch(unanswered);
        if (status === 200) this.#ready.add(edge);
        else this.#ready.delete(edge);
      }
      await wait(50);
    }
  }

  async #watchAgent(admin: Place): Promise<void> {
    while (!this.#stopped) {
      const { status, text } = await ask(admin, 'admin', { path: '/readyz' });
      if (status !== 200) this.failures.push(`agent: ${text.trim()}`);
      await wait(20);
    }
  }
}

const unanswered = (error: Error) => ({ status: error.message, headers: {} as Answer['headers'], text: '' });

describe('an agent of two edges', () => {
  let site: Installation;
  let shop: LocalService;
  let agent: ConfiguredService;
  let admin: Place;
  beforeAll(async () => {
    shop = await LocalService.start('shop');
    const routes = [{ hostname: 'shop.test', tunnel: SHOP }];
    site = await Installation.start({ edges: 2, routes, edge: { region: 'eu' } });
    admin = { host: '127.0.0.1', port: await freePort() };
    const ingress = [{ service: shop.url }];
    agent = await site.attach({ links: 4, admin: { listen: at(admin) }, ingress });
    await attachedTo(0, 1);
  });
  afterAll(async () => {
    await site.stop();
    await shop.stop();
  });

  const sessionsAt = async (n: number): Promise<number> => {
    if (!site.edge(n).service.process.alive) return 0;
    return metric(site.edge(n).admin, 'culvert_edge_sessions').catch(() => 0);
  };
  const attachedTo = (...edges: number[]): Promise<unknown> =>
    Promise.all(edges.map((n) => eventually(async () => (await sessionsAt(n)) > 0, SOON)));

  it('keeps a link at every moment while the edges are restarted one after the other, and no request fails', async () => {
    const load = new BalancedLoad(site.edges, admin);
    await load.reaches(100);
    for (const { service } of [...site.edges, ...site.edges]) {
      await service.stop('SIGTERM');
      await service.start();
    }
    await attachedTo(0, 1);
    await load.reaches(load.done + 100);
    expect(await load.stop()).toEqual([]);
  }, 90_000);

  it('is back within seconds at an edge that was away for long', async () => {
    await site.edge(1).service.stop('SIGKILL');
    // Its tries are by then many seconds apart.
    const failures = () => agent.process.log.filter(({ msg }) => msg === 'link lost').length;
    await eventually(() => failures() > 0, SOON);
    await wait(20_000);
    expect(await sessionsAt(0)).toBe(1);
    await site.edge(1).service.start();
    await attachedTo(1);
  }, 60_000);

  it('that was stopped for a while is attached again within seconds', async () => {
    agent.process.signal('SIGSTOP');
    await Promise.all(
      [0, 1].map((n) => eventually(async () => (await sessionsAt(n)) === 0, { timeoutMs: 20_000 })),
    );
    await wait(4_000);
    agent.process.signal('SIGCONT');
    await attachedTo(0, 1);
    for (const { http } of site.edges) expect((await ask(http, 'shop.test')).status).toBe(200);
  }, 60_000);
});

describe('an agent whose network forgets its connections while it sleeps', () => {
  it('verifies its links when it wakes, and is attached again within seconds', async () => {
    const shop = await LocalService.start('shop');
    const site = await Installation.start({ routes: [{ hostname: 'shop.test', tunnel: SHOP }] });
    const proxy = await TcpProxy.start(site.edge(0).agents);
    try {
      const agent = await site.attach({ edges: [proxy.address], ingress: [{ service: shop.url }] });
      agent.process.signal('SIGSTOP');
      // Not a packet of the old connections arrives any more, nor does the news that they are gone.
      proxy.blackHole();
      await wait(5_000);
      agent.process.signal('SIGCONT');
      await agent.process.line('links are verified');
      await agent.process.line('link lost', ({ text }) => String(text).includes('nothing heard'));
      proxy.reset();
      proxy.heal();
      await eventually(async () => (await ask(site.edge(0).http, 'shop.test')).status === 200, SOON);
    } finally {
      await site.stop();
      await proxy.stop();
      await shop.stop();
    }
  }, 60_000);
});
