import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Authority, eventually } from '@culvert/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bulk, MIB, receiveBulk } from './testing/bulk.ts';
import { ask, open } from './testing/http-client.ts';
import { Installation, SHOP, SHOP_TOKEN } from './testing/installation.ts';
import { LocalService } from './testing/local-service.ts';

const SIZE = 16 * MIB;

describe('links', () => {
  let folder = '';
  let authority: Authority;
  let stranger: Authority;
  let site: Installation;
  let shop: LocalService;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'culvert-links-'));
    [authority, stranger] = [new Authority(folder), new Authority(folder, 'stranger')];
    // By the name that is asked for; agents that dial an address ask for none and see the first.
    const hosts = ['127.0.0.1', '127.0.0.2', '127.0.1.1', '127.0.1.2'];
    const edge = authority.issue('edge', ...hosts.map((host) => `IP:${host}`));
    const named = authority.issue('named', 'DNS:other.test', 'DNS:localhost');
    shop = await LocalService.start('shop');
    site = await Installation.start({
      edges: 2,
      routes: [{ hostname: 'shop.test', tunnel: SHOP }],
    });
    // The listeners are those of before, now with certificates.
    for (const node of site.edges) {
      await node.service.stop('SIGKILL');
      const { agents, peers } = node;
      node.service.extend({
        agents: { listen: `${agents.host}:${agents.port}`, tls: { certificates: [edge, named] } },
        peers: { listen: `${peers.host}:${peers.port}`, tls: { certificates: [edge] }, ca: authority.file },
      });
      await node.service.start();
    }
  });
  afterAll(async () => {
    await site.stop();
    await shop.stop();
    rmSync(folder, { recursive: true });
  });

  const address = (scheme: string, host = '127.0.0.1') => `${scheme}://${host}:${site.edge(0).agents.port}`;

  it.each([
    ['tls', '127.0.0.1'],
    ['tls', 'localhost'],
    ['wss', '127.0.0.1'],
    ['wss', 'localhost'],
    ['ws', '127.0.0.1'],
    ['tcp', '127.0.0.1'],
  ])('of %s to %s carry requests both ways, also for the edge behind', async (scheme, host) => {
    const edges = [address(scheme, host)];
    const agent = await site.attach({ edges, ca: authority.file, ingress: [{ service: shop.url }] });
    for (const edge of [0, 1]) {
      const front = site.edge(edge).http;
      const answer = await open(front, 'shop.test', { path: `/bytes/${SIZE}` });
      expect(await receiveBulk(answer)).toBe(SIZE);
      const asked = { method: 'POST', path: '/upload', body: bulk(SIZE) };
      expect((await ask(front, 'shop.test', asked)).text).toBe(`${SIZE}`);
    }
    expect(await agent.stop()).toEqual({ status: 0, signal: null });
    await eventually(async () => (await ask(site.edge(0).http, 'shop.test')).status === 503);
  });

  it.each([
    ['an authority that nobody told it of', () => ({}), /self.signed|unable|UNABLE|SELF_SIGNED/],
    ['another authority', () => ({ ca: stranger.file }), /unable|UNABLE|self.signed|SELF_SIGNED/],
    [
      'a name that is not in the certificate',
      () => ({ ca: authority.file, edges: [address('tls', '127.0.0.3')] }),
      /ALTNAME|ECONNREFUSED/,
    ],
  ])(
    'to an edge that is vouched for by %s are not made, and the token is not sent',
    async (_, wrong, reason) => {
      const agent = site.agent({ edges: [address('tls')], ...wrong(), ingress: [{ service: shop.url }] });
      const line = await (agent.launch(), agent.process.line('edge unreachable'));
      expect(line['reason']).toMatch(reason);
      expect(agent.process.alive).toBe(true);
      await agent.stop('SIGKILL');
    },
  );

  it('in clear to another host are warned about', async () => {
    // Nothing is sent there: the address is one for documentation (RFC 5737), and the agent is gone at once.
    const agent = site.agent({ edges: ['tcp://192.0.2.1:7000'], ingress: [{ service: shop.url }] });
    const line = await (agent.launch(), agent.process.line('token and traffic cross the network in clear'));
    expect(line).toMatchObject({ level: 'warn', edge: 'tcp://192.0.2.1:7000' });
    await agent.stop('SIGKILL');
    expect(agent.process.stdout).not.toContain(SHOP_TOKEN);
  });
});
