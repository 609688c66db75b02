import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { bulk, MIB, receiveBulk } from './testing/bulk.ts';
import type { ConfiguredService } from './testing/configured-service.ts';
import { ask, open } from './testing/http-client.ts';
import type { Place } from './testing/http-client.ts';
import { at, Installation, metric, SHOP } from './testing/installation.ts';
import { LocalService } from './testing/local-service.ts';
import type { Echo } from './testing/local-service.ts';

const SIZE = 64 * MIB;

describe('at an edge that no agent is attached to', () => {
  let site: Installation;
  let shop: LocalService;
  let far: Place;
  let agent: ConfiguredService;
  beforeAll(async () => {
    shop = await LocalService.start('shop');
    site = await Installation.start({ edges: 2, routes: [{ hostname: 'shop.test', tunnel: SHOP }] });
    agent = await site.attach({ links: 1, ingress: [{ service: shop.url }] });
    far = site.edge(1).http;
  });
  afterAll(async () => {
    await site.stop();
    await shop.stop();
  });

  it('a request is relayed to the edge that holds the pool', async () => {
    const { status, text } = await ask(far, 'shop.test', { path: '/cart', headers: { 'x-kept': 'yes' } });
    expect(status).toBe(200);
    const headers = { host: 'shop.test', 'x-forwarded-for': '127.0.0.1', 'x-kept': 'yes' };
    expect(JSON.parse(text) as Echo).toMatchObject({ service: 'shop', url: '/cart', headers });
  });

  it('each request takes one hop and no second one', async () => {
    const count = async () => {
      const [near, other] = [site.edge(0).admin, site.edge(1).admin];
      return {
        out: [
          await metric(near, 'culvert_edge_relayed_out_total'),
          await metric(other, 'culvert_edge_relayed_out_total'),
        ],
        in: [
          await metric(near, 'culvert_edge_relayed_in_total'),
          await metric(other, 'culvert_edge_relayed_in_total'),
        ],
      };
    };
    const before = await count();
    for (let n = 0; n < 10; n++) expect((await ask(far, 'shop.test')).status).toBe(200);
    const after = await count();
    expect(after.out.map((value, edge) => value - before.out[edge]!)).toEqual([0, 10]);
    expect(after.in.map((value, edge) => value - before.in[edge]!)).toEqual([10, 0]);
  });

  it('a download arrives byte for byte', async () => {
    const answer = await open(far, 'shop.test', { path: `/bytes/${SIZE}` });
    expect(await receiveBulk(answer)).toBe(SIZE);
  });

  it('an upload in chunks arrives byte for byte', async () => {
    const { text } = await ask(far, 'shop.test', { method: 'POST', path: '/upload', body: bulk(SIZE) });
    expect(text).toBe(`${SIZE}`);
  });

  it('a WebSocket speaks both ways', async () => {
    const webSocket = new WebSocket(`ws://${at(far)}/`, { headers: { host: 'shop.test' } });
    await once(webSocket, 'open');
    for (const message of ['first', 'second']) {
      webSocket.send(message);
      const [data] = (await once(webSocket, 'message')) as [Buffer];
      expect(data.toString()).toBe(message);
    }
    webSocket.close(1_000);
    expect(await once(webSocket, 'close')).toEqual([1_000, Buffer.alloc(0)]);
  });

  it('requests follow the agent when it moves to another edge', async () => {
    const edges = [at(site.edge(1).agents)];
    const moved = await site.attach({ edges, ingress: [{ service: shop.url }] });
    expect(await agent.stop()).toEqual({ status: 0, signal: null });
    for (const { http } of site.edges) {
      for (let n = 0; n < 5; n++) expect((await ask(http, 'shop.test')).status).toBe(200);
    }
    await agent.start();
    expect(await moved.stop('SIGKILL')).toMatchObject({ signal: 'SIGKILL' });
    for (const { http } of site.edges) {
      for (let n = 0; n < 5; n++) expect((await ask(http, 'shop.test')).status).toBe(200);
    }
  });

  it('a hostname whose tunnel nobody holds anywhere is refused at once', async () => {
    const { body } = await site.api('POST', '/tunnels', { name: 'idle' });
    const { id } = body as { id: string };
    await site.api('POST', '/routes', { hostname: 'idle.test', tunnel: id });
    const { status, headers } = await ask(far, 'idle.test');
    expect([status, headers['x-culvert-error']]).toEqual([503, 'no_agent']);
  });
});
