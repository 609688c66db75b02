import { eventually } from '@culvert/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConfiguredService } from './testing/configured-service.ts';
import { ask, keptConnections } from './testing/http-client.ts';
import type { Place } from './testing/http-client.ts';
import { at, Installation, metric, SHOP } from './testing/installation.ts';
import { LocalService } from './testing/local-service.ts';

/** An edge's lease lasts 10 s; the rest is for a busy machine. */
const LEASE_END = { timeoutMs: 20_000 };

/** A link is dead within 6 s, and dialled again. */
const SILENCE = { timeoutMs: 15_000 };

/** What was set aside for the first time returns after some 5 s, slowly. */
const RETURN = { timeoutMs: 30_000 };

describe('several agents with one tunnel id', () => {
  let site: Installation;
  let services: LocalService[];
  let agents: ConfiguredService[];
  beforeAll(async () => {
    services = await Promise.all(['one', 'two'].map((name) => LocalService.start(name)));
    site = await Installation.start({ edges: 2, routes: [{ hostname: 'shop.test', tunnel: SHOP }] });
    const edges = site.edges.map((edge) => at(edge.agents));
    agents = await Promise.all(
      services.map(({ url }) => site.attach({ edges, links: 2, ingress: [{ service: url }] })),
    );
    await Promise.all(agents.map((agent) => attachedTo(agent, ['edge-1', 'edge-2'])));
  });
  afterAll(async () => {
    await site.stop();
    await Promise.all(services.map((service) => service.stop()));
  });

  const attachedTo = (agent: ConfiguredService, edges: readonly string[]): Promise<unknown> =>
    Promise.all(edges.map((id) => agent.process.line('link attached', ({ edge }) => edge === id)));

  it.each([0, 1])('share the work at edge %i', async (edge) => {
    const before = services.map(({ requests }) => requests);
    for (let n = 0; n < 100; n++) expect((await ask(site.edge(edge).http, 'shop.test')).status).toBe(200);
    const taken = services.map(({ requests }, at) => requests - before[at]!);
    expect(taken[0]! + taken[1]!).toBe(100);
    expect(Math.min(...taken)).toBeGreaterThan(20);
  });

  it('keep a session at each edge, as the API tells', async () => {
    await eventually(async () => {
      const sessions = await site.list<{ edge: string; tunnel: string; agent: string }>('sessions');
      const places = sessions.map(({ edge, agent }) => `${edge} ${agent}`);
      return new Set(places).size === 4 && sessions.every(({ tunnel }) => tunnel === SHOP);
    });
  });

  it('lose no request that may be repeated when one of them is killed under load', async () => {
    const load = new Load(site.edges.map(({ http }) => http));
    await load.reaches(300);
    await agents[1]!.stop('SIGKILL');
    const killedAt = load.done;
    await load.reaches(killedAt + 600);
    expect(await load.stop()).toEqual([]);
    await agents[1]!.start();
    await attachedTo(agents[1]!, ['edge-1', 'edge-2']);
  });

  it('lose no request that may be repeated when one of them hangs', async () => {
    agents[1]!.process.signal('SIGSTOP');
    const load = new Load(site.edges.map(({ http }) => http));
    await load.reaches(600);
    expect(await load.stop()).toEqual([]);
    // Silence is noticed, and the session ends.
    await Promise.all(
      site.edges.map(({ admin }) =>
        eventually(async () => (await metric(admin, 'culvert_edge_sessions')) === 1, SILENCE),
      ),
    );
    agents[1]!.process.signal('SIGCONT');
    await Promise.all(
      site.edges.map(({ admin }) =>
        eventually(async () => (await metric(admin, 'culvert_edge_sessions')) === 2, SILENCE),
      ),
    );
  });

  it('lose no request that may be repeated when the service behind one of them stops', async () => {
    const fronts = site.edges.map(({ http }) => http);
    const load = new Load(fronts);
    await load.reaches(300);
    const { port } = services[1]!;
    await services[1]!.stop();
    await load.reaches(load.done + 600);
    expect(await load.stop()).toEqual([]);
    // Nothing of them is delivered where nobody listens.
    const posts = new Load(fronts, 'POST');
    await posts.reaches(600);
    expect(await posts.stop()).toEqual([]);
    for (const { admin } of site.edges)
      expect(await metric(admin, 'culvert_edge_sessions_set_aside')).toBeGreaterThan(0);
    services[1] = await LocalService.start('two', port);
    const after = new Load(fronts);
    await eventually(() => services[1]!.requests > 100, RETURN);
    expect(await after.stop()).toEqual([]);
  }, 60_000);

  it('go on at the other edge when one is killed, and its sessions end with its lease', async () => {
    await site.edge(0).service.stop('SIGKILL');
    for (let n = 0; n < 20; n++) expect((await ask(site.edge(1).http, 'shop.test')).status).toBe(200);
    await eventually(async () => {
      const [edges, sessions] = [
        await site.list<{ id: string }>('edges'),
        await site.list<{ edge: string }>('sessions'),
      ];
      expect(sessions.some(({ edge }) => edge === 'edge-2')).toBe(true);
      return edges.map(({ id }) => id).join() === 'edge-2' && sessions.every(({ edge }) => edge === 'edge-2');
    }, LEASE_END);
    await site.edge(0).service.start();
    await Promise.all(
      agents.map((agent) => eventually(() => attachments(agent, 'edge-1') > 1, { timeoutMs: 40_000 })),
    );
    expect((await ask(site.edge(0).http, 'shop.test')).status).toBe(200);
  }, 70_000);
});

function attachments(agent: ConfiguredService, id: string): number {
  return agent.process.log.filter(({ msg, edge }) => msg === 'link attached' && edge === id).length;
}

const CLIENTS = 16;

/** Clients that ask again and again on kept connections, until they are stopped. */
class Load {
  done = 0;
  readonly #failures: string[] = [];
  readonly #connections = keptConnections(CLIENTS);
  readonly #clients: Promise<void>[];
  readonly #method: string;
  #stopped = false;

  constructor(fronts: readonly Place[], method = 'GET') {
    this.#method = method;
    this.#clients = Array.from({ length: CLIENTS }, (_, n) => this.#run(fronts[n % fronts.length]!));
  }

  reaches(count: number): Promise<unknown> {
    return eventually(() => this.done >= count, { timeoutMs: 20_000 });
  }

  /** What failed. */
  async stop(): Promise<readonly string[]> {
    this.#stopped = true;
    await Promise.all(this.#clients);
    this.#connections.destroy();
    return this.#failures;
  }

  async #run(front: Place): Promise<void> {
    while (!this.#stopped) {
      try {
        const { status, headers } = await ask(front, 'shop.test', {
          method: this.#method,
          agent: this.#connections,
        });
        if (status !== 200) this.#failures.push(`${status} ${String(headers['x-culvert-error'])}`);
      } catch (error) {
        this.#failures.push(String(error));
      }
      this.done++;
    }
  }
}
