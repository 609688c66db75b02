import { eventually } from '@culvert/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from './testing/http-client.ts';
import { at, Installation, metric, SHOP } from './testing/installation.ts';
import { LocalService } from './testing/local-service.ts';

/** Agents of the pool at the first and the second edge; the third has none. */
const SIZES = [1, 3];

describe('an edge without a pool, between two that hold one', () => {
  let site: Installation;
  let shop: LocalService;
  beforeAll(async () => {
    shop = await LocalService.start('shop');
    const routes = [{ hostname: 'shop.test', tunnel: SHOP }];
    site = await Installation.start({ edges: 3, routes, edge: { region: 'eu' } });
    for (const [n, size] of SIZES.entries()) {
      const edges = [at(site.edge(n).agents)];
      for (let count = 0; count < size; count++)
        await site.attach({ edges, ingress: [{ service: shop.url }] });
    }
  });
  afterAll(async () => {
    await site.stop();
    await shop.stop();
  });

  const get = () => ask(site.edge(2).http, 'shop.test');
  const relayedIn = () =>
    Promise.all([0, 1].map((n) => metric(site.edge(n).admin, 'culvert_edge_relayed_in_total')));

  it('shares requests between them by the sizes of their pools, within 10 %', async () => {
    // Both are dialled, and known to be as near.
    await eventually(async () => {
      expect((await get()).status).toBe(200);
      return (await relayedIn()).every((count) => count > 0);
    });
    const before = await relayedIn();
    for (let n = 0; n < 400; n++) expect((await get()).status).toBe(200);
    const taken = (await relayedIn()).map((count, n) => count - before[n]!);
    expect(taken[0]! + taken[1]!).toBe(400);
    expect(taken[0]).toBeGreaterThanOrEqual(90);
    expect(taken[0]).toBeLessThanOrEqual(110);
  });

  it('relays all of them to the one that is left when the other is killed, and none fails', async () => {
    await site.edge(1).service.stop('SIGKILL');
    for (let n = 0; n < 50; n++) expect((await get()).status).toBe(200);
  });
});
