import { eventually } from '@culvert/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from './testing/http-client.ts';
import type { Answer } from './testing/http-client.ts';
import { at, Installation, SHOP } from './testing/installation.ts';
import { LocalService } from './testing/local-service.ts';

/** For what is made up for after an outage: reconnecting takes up to two seconds, asking again as much. */
const RECOVERY = { timeoutMs: 20_000 };

describe('an installation whose parts fail one after the other', () => {
  let site: Installation;
  let shop: LocalService;
  beforeAll(async () => {
    shop = await LocalService.start('shop');
    site = await Installation.start({
      routers: 2,
      edges: 2,
      routes: [
        { hostname: 'shop.test', tunnel: SHOP },
        { hostname: '.later.test', tunnel: SHOP },
      ],
    });
    await site.attach({ ingress: [{ service: shop.url }] });
    for (const edge of [0, 1]) await serves('shop.test', edge);
  });
  afterAll(async () => {
    await site.stop();
    await shop.stop();
  });

  const get = (hostname: string, edge = 0): Promise<Answer> => ask(site.edge(edge).http, hostname);
  const serves = (hostname: string, edge = 0): Promise<unknown> =>
    eventually(async () => (await get(hostname, edge)).status === 200, RECOVERY);
  const refusal = async (hostname: string, edge = 0): Promise<unknown> => {
    const { status, headers } = await get(hostname, edge);
    return [status, headers['x-culvert-error']];
  };

  describe('with one of two routers killed', () => {
    beforeAll(async () => {
      await site.router(0).service.stop('SIGKILL');
    });

    it('names that no edge has asked for yet are resolved', async () => {
      for (const edge of [0, 1]) expect((await get('one.later.test', edge)).status).toBe(200);
      expect(await refusal('unknown-1.test')).toEqual([404, 'unknown_hostname']);
    });

    it('an agent attaches', async () => {
      const agent = await site.attach({ ingress: [{ service: shop.url }] });
      await agent.stop();
    });

    it('the API of the other one takes changes', async () => {
      const route = { hostname: 'api-one.test', tunnel: SHOP };
      expect((await site.api('POST', '/routes', route, 1)).status).toBe(201);
      await serves('api-one.test', 1);
    });
  });

  describe('with both routers stopped', () => {
    beforeAll(async () => {
      await site.router(1).service.stop('SIGTERM');
    });
    afterAll(async () => {
      await Promise.all(site.routers.map(({ service }) => service.start()));
    });

    it('known hostnames work', async () => {
      for (const edge of [0, 1]) expect((await get('shop.test', edge)).status).toBe(200);
    });

    it('unknown hostnames are refused for now, and not as if they did not exist', async () => {
      for (const edge of [0, 1])
        expect(await refusal('unknown-2.test', edge)).toEqual([503, 'registry_unavailable']);
    });

    it('an agent whose token has been seen attaches, another one waits', async () => {
      await site.attach({ ingress: [{ service: shop.url }] });
      const stranger = site.agent({ token: 'never-seen', ingress: [{ service: shop.url }] });
      const line = await (stranger.launch(), stranger.process.line('edge refused the link'));
      expect(line['code']).toBe('unavailable');
      expect(stranger.process.alive).toBe(true);
      await stranger.stop('SIGKILL');
    });
  });

  describe('with Redis stopped', () => {
    beforeAll(async () => {
      const route = { hostname: 'api-two.test', tunnel: SHOP };
      expect((await site.api('POST', '/routes', route)).status).toBe(201);
      await serves('api-two.test');
      await site.redis.process.stop('SIGKILL');
    });

    it('known hostnames work, those of the file also where nobody has asked for them', async () => {
      for (const name of ['shop.test', 'api-two.test', 'two.later.test'])
        expect([name, (await get(name)).status]).toEqual([name, 200]);
    });

    it('what nobody knows is refused for now', async () => {
      expect(await refusal('unknown-3.test')).toEqual([503, 'registry_unavailable']);
    });

    it.each([
      ['POST', '/routes', { hostname: 'refused.test', tunnel: SHOP }],
      ['POST', '/tunnels', { name: 'refused' }],
      ['GET', '/sessions?limit=3', undefined],
    ])('%s %s is refused clearly', async (method, path, body) => {
      for (const router of [0, 1]) {
        expect(await site.api(method, path, body, router)).toMatchObject({
          status: 503,
          body: { error: { code: 'registry_unavailable' } },
        });
      }
    });

    it('an agent whose token is in the file attaches', async () => {
      const agent = await site.attach({ ingress: [{ service: shop.url }] });
      await agent.stop('SIGKILL');
    });
  });

  it('Redis that comes back empty gets the file, the edges and the sessions again', async () => {
    await site.redis.process.start();
    await eventually(async () => {
      const hostnames = (await site.list<{ hostname: string }>('routes')).map(({ hostname }) => hostname);
      const edges = (await site.list<{ id: string }>('edges')).map(({ id }) => id);
      const sessions = await site.list<{ edge: string; tunnel: string }>('sessions');
      expect(hostnames.sort()).toEqual(['.later.test', 'shop.test']);
      expect(edges.sort()).toEqual(['edge-1', 'edge-2']);
      expect(sessions.length).toBeGreaterThan(0);
      return sessions.every(({ tunnel, edge }) => tunnel === SHOP && edge === 'edge-1');
    }, RECOVERY);
    expect((await get('shop.test')).status).toBe(200);
    // What only the API had said is lost, and nobody goes on as if it were not.
    await eventually(async () => (await get('api-two.test')).status === 404, RECOVERY);
    expect((await site.api('POST', '/routes', { hostname: 'api-three.test', tunnel: SHOP })).status).toBe(
      201,
    );
    await serves('api-three.test', 1);
  });

  describe('with NATS stopped', () => {
    beforeAll(async () => {
      await serves('shop.test', 1);
      await site.nats.process.stop('SIGKILL');
    });

    it('the local pool serves what is known', async () => {
      for (let n = 0; n < 10; n++) expect((await get('shop.test')).status).toBe(200);
    });

    it('relays go on to the holder that was known last', async () => {
      expect((await get('shop.test', 1)).status).toBe(200);
    });

    it('unknown hostnames are refused for now', async () => {
      expect(await refusal('unknown-4.test')).toEqual([503, 'registry_unavailable']);
    });

    it('everything works again when it is back', async () => {
      await site.nats.process.start();
      await serves('three.later.test', 1);
      const { body } = await site.api('POST', '/tunnels', { name: 'after' });
      const { id, token } = body as { id: string; token: string };
      await site.api('POST', '/routes', { hostname: 'after.test', tunnel: id });
      const edges = [at(site.edge(0).agents)];
      const agent = site.agent({ tunnel: id, token, edges, ingress: [{ service: shop.url }] });
      await agent.start();
      await serves('after.test', 1);
      expect(await refusal('unknown-5.test')).toEqual([404, 'unknown_hostname']);
    });
  });
});
