import { randomBytes } from 'node:crypto';
import { eventually, freePort } from '@culvert/testkit';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ask } from './testing/http-client.ts';
import type { Place } from './testing/http-client.ts';
import { Installation, metric, SHOP } from './testing/installation.ts';
import { LocalService } from './testing/local-service.ts';
import { WireClient } from './testing/wire-client.ts';

/** A TLS record that announces a ClientHello and holds something else. */
const BAD_CLIENT_HELLO = Buffer.concat([Buffer.from('160301002001000fff', 'hex'), Buffer.alloc(64, 0xff)]);
/** A frame that announces four gigabytes. */
const HUGE_FRAME = Buffer.concat([Buffer.from('CULVERT\n'), Buffer.from('0100000000' + '00ffffffff', 'hex')]);

const GARBAGE: readonly (readonly [string, Buffer])[] = [
  ['random bytes', Buffer.concat([Buffer.of(0xff), randomBytes(2_000)])],
  ['zeros', Buffer.alloc(2_000)],
  ['a broken ClientHello', BAD_CLIENT_HELLO],
  [
    'an upgrade of a broken kind',
    Buffer.from('GET /culvert/link HTTP/1.1\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'),
  ],
  ['broken HTTP', Buffer.from('GARBAGE \x01\x02\r\n\r\n')],
  ['an SSH greeting', Buffer.from('SSH-2.0-OpenSSH_9.6\r\n')],
  ['a frame that announces too much', HUGE_FRAME],
  ['a request line that never ends', Buffer.alloc(100_000, 'A')],
];

describe('garbage on a port', () => {
  let site: Installation;
  let shop: LocalService;
  beforeAll(async () => {
    shop = await LocalService.start('shop');
    site = await Installation.start({
      routes: [
        { hostname: 'shop.test', tunnel: SHOP },
        { port: await freePort(), tunnel: SHOP },
      ],
      // Enough to be sent garbage that stops halfway and to see it closed.
      edge: { timeouts: { sniff: '500ms', hello: '500ms', head: '500ms' } },
    });
    await site.attach({
      ingress: [{ service: shop.url }],
      admin: { listen: `127.0.0.1:${await freePort()}` },
    });
  });
  afterAll(async () => {
    await site.stop();
    await shop.stop();
  });

  const places: readonly (readonly [string, () => Place])[] = [
    ['the entry point', () => site.edge(0).http],
    ['the agents', () => site.edge(0).agents],
    ['the peers', () => site.edge(0).peers],
    ["the edge's admin server", () => site.edge(0).admin],
    ["the router's admin server", () => site.router(0).admin],
  ];

  it.each(places)('of %s is closed, and the process serves on', async (_, place) => {
    for (const [what, bytes] of GARBAGE) {
      const client = await WireClient.open(place());
      client.send(bytes);
      await eventually(() => client.closed, { timeoutMs: 10_000 }).catch((cause: unknown) => {
        throw new Error(`${what} was not closed`, { cause });
      });
    }
    expect((await ask(site.edge(0).http, 'shop.test')).status).toBe(200);
    for (const { process } of [site.edge(0).service, site.router(0).service]) {
      expect(process.alive).toBe(true);
      expect(process.log.filter(({ msg, level }) => msg === 'uncaught error' || level === 'error')).toEqual(
        [],
      );
    }
  });

  it.each([
    ['the entry point', () => site.edge(0).http],
    ['the agents', () => site.edge(0).agents],
    ['the peers', () => site.edge(0).peers],
  ] as const)('of %s is counted', async (_, place) => {
    const counted = () => metric(site.edge(0).admin, 'culvert_edge_garbage_total');
    const before = await counted();
    for (let n = 0; n < 3; n++) {
      const client = await WireClient.open(place());
      client.send(Buffer.concat([Buffer.of(0xff), randomBytes(100)]));
      await client.untilClosed();
    }
    expect(await counted()).toBe(before + 3);
  });

  it('that stops halfway is closed when its time is over', async () => {
    for (const [place, begin] of [
      [site.edge(0).http, Buffer.of(0x16, 0x03, 0x01, 0x02, 0x00)],
      [site.edge(0).http, Buffer.from('GET / HTTP/1.1\r\nHost: sh')],
      [site.edge(0).agents, Buffer.from('CULV')],
      [site.edge(0).agents, Buffer.from('CULVERT\n')],
      [site.edge(0).agents, Buffer.from('GET /culvert/link HTTP/1.1\r\nHost: e')],
      [site.edge(0).agents, Buffer.from('GET /culvert/link HTTP/1.1\r\n')],
      [site.edge(0).peers, Buffer.from('CULVERT\n')],
    ] as const) {
      const client = await WireClient.open(place);
      client.send(begin);
      await client.untilClosed();
    }
  });

  it('is not logged above debug level', () => {
    const lines = site.edge(0).service.process.log.filter(({ msg }) => /garbage|link refused/.test(msg));
    expect(lines).toEqual([]);
  });

  it('from a stranger at the peers is no way in: a wrong secret is refused', async () => {
    const stranger = await Installation.start({
      edge: { nats: site.nats.url, secret: 'another-secret', id: 'stranger' },
    });
    onTestFinished(() => stranger.stop());
    const { status, headers } = await ask(stranger.edge(0).http, 'shop.test');
    expect([status, headers['x-culvert-error']]).toEqual([503, 'no_agent']);
    await stranger.edge(0).service.process.line('peer unreachable');
  });
});
