import { eventually } from '@culvert/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from './testing/http-client.ts';
import type { Place } from './testing/http-client.ts';
import { Installation, SHOP } from './testing/installation.ts';
import { LocalService } from './testing/local-service.ts';

/** How long a change may take to hold at every edge, in ms. */
const WITHIN = { timeoutMs: 1_000 };

describe('a change through the API', () => {
  let site: Installation;
  let shop: LocalService;
  let blog: LocalService;
  let fronts: Place[];
  beforeAll(async () => {
    [shop, blog] = await Promise.all([LocalService.start('shop'), LocalService.start('blog')]);
    site = await Installation.start({ edges: 2, routers: 2 });
    await site.attach({ ingress: [{ service: shop.url }] });
    fronts = site.edges.map(({ http }) => http);
  });
  afterAll(async () => {
    await site.stop();
    await Promise.all([shop.stop(), blog.stop()]);
  });

  const statusAt = async (front: Place, hostname: string, path = '/'): Promise<number> =>
    (await ask(front, hostname, { path })).status;

  const everywhere = (hostname: string, status: number, path?: string): Promise<unknown> =>
    Promise.all(
      fronts.map((front) =>
        eventually(async () => (await statusAt(front, hostname, path)) === status, WITHIN),
      ),
    );

  it('a new route works at every edge within a second, and so does its end', async () => {
    // Each edge remembers by now that the name does not exist.
    for (const front of fronts) expect(await statusAt(front, 'new.test')).toBe(404);
    const { status, body } = await site.api('POST', '/routes', { hostname: 'new.test', tunnel: SHOP }, 0);
    expect(status).toBe(201);
    await everywhere('new.test', 200);
    const { id } = body as { id: string };
    expect((await site.api('DELETE', `/routes/${encodeURIComponent(id)}`, undefined, 1)).status).toBe(204);
    await everywhere('new.test', 404);
  });

  it('a wildcard reaches names that were unknown before', async () => {
    for (const front of fronts) expect(await statusAt(front, 'deep.below.wild.test')).toBe(404);
    await site.api('POST', '/routes', { hostname: '.wild.test', tunnel: SHOP });
    await everywhere('deep.below.wild.test', 200);
  });

  it('a new tunnel takes an agent with the token that its creation gave, and no token is shown again', async () => {
    const created = await site.api('POST', '/tunnels', { name: 'blog' });
    expect(created.status).toBe(201);
    const { id, token } = created.body as { id: string; token: string };
    await site.api('POST', '/routes', { hostname: 'blog.test', tunnel: id }, 1);
    await everywhere('blog.test', 503);
    await site.attach({ tunnel: id, token, ingress: [{ service: blog.url }] });
    await everywhere('blog.test', 200);
    for (const listing of ['/tunnels', `/tunnels/${id}`, '/tokens', '/sessions', '/routes']) {
      expect(JSON.stringify((await site.api('GET', listing)).body)).not.toContain(token);
    }
  });

  it('a deleted tunnel ends its sessions and its routes everywhere', async () => {
    const { body } = await site.api('POST', '/tunnels', { name: 'brief' });
    const { id, token } = body as { id: string; token: string };
    await site.api('POST', '/routes', { hostname: 'brief.test', tunnel: id });
    const agent = await site.attach({ tunnel: id, token, ingress: [{ service: shop.url }] });
    await everywhere('brief.test', 200);
    expect((await site.api('DELETE', `/tunnels/${id}`)).status).toBe(204);
    await everywhere('brief.test', 404);
    const line = await agent.process.line('link lost', ({ code }) => code === 'revoked');
    expect(line['text']).toContain('revoked');
    await eventually(async () => {
      const sessions = await site.list<{ tunnel: string }>('sessions');
      return sessions.every(({ tunnel }) => tunnel !== id);
    });
  });

  it('every router lists the same edges, sessions and routes', async () => {
    await eventually(async () => (await site.list('edges')).length === 2);
    for (const what of ['edges', 'sessions', 'routes', 'tunnels']) {
      const [one, two] = [await site.list<{ id: string }>(what, 0), await site.list<{ id: string }>(what, 1)];
      expect(one.length).toBeGreaterThan(0);
      expect(two.map(({ id }) => id).sort()).toEqual(one.map(({ id }) => id).sort());
    }
  });

  it.each([
    ['without a token', {}],
    ['with a wrong token', { authorization: 'Bearer wrong' }],
  ])('%s, nothing is shown or changed', async (_, headers) => {
    for (const method of ['GET', 'POST']) {
      const answer = await ask(site.router(0).admin, 'admin', { method, path: '/api/v1/tunnels', headers });
      expect(answer.status).toBe(401);
      expect(JSON.parse(answer.text)).toMatchObject({ error: { code: 'unauthorized' } });
    }
  });
});
