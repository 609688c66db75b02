import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bulk, MIB, receiveBulk } from './testing/bulk.ts';
import type { ConfiguredService } from './testing/configured-service.ts';
import { ask, open } from './testing/http-client.ts';
import { Installation, SHOP } from './testing/installation.ts';
import { LocalService } from './testing/local-service.ts';
import type { Echo } from './testing/local-service.ts';

const DOWNLOAD = 1_024 * MIB;
const UPLOAD = 256 * MIB;
/** A few times what a process has after its start, and a small part of what it passes on. */
const MOST_MEMORY = 220 * MIB;

describe('a request through edge and agent, over Redis and NATS', () => {
  let site: Installation;
  let agent: ConfiguredService;
  let shop: LocalService;
  let api: LocalService;
  beforeAll(async () => {
    [shop, api] = await Promise.all([LocalService.start('shop'), LocalService.start('api')]);
    site = await Installation.start({ routes: [{ hostname: '.example.com', tunnel: SHOP }] });
    agent = await site.attach({
      links: 2,
      ingress: [
        { hostname: 'api.example.com', path: '/v2', service: api.url },
        { hostname: '.example.com', service: shop.url },
        { service: 'http_status:404' },
      ],
    });
  });
  afterAll(async () => {
    await site.stop();
    await Promise.all([shop.stop(), api.stop()]);
  });

  it.each([
    ['example.com', '/', 'shop'],
    ['www.example.com', '/cart?id=%2F1&empty=', 'shop'],
    ['api.example.com', '/v2/users', 'api'],
    ['api.example.com', '/v3/users', 'shop'],
  ])('%s%s reaches the service "%s" with its path and query as they were', async (hostname, path, name) => {
    const { status, text } = await ask(site.edge(0).http, hostname, { path });
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({ service: name, url: path });
  });

  it('the service learns who asked for what, and not what the client made up about it', async () => {
    const headers = { 'x-forwarded-for': '10.1.1.1', 'x-forwarded-host': 'evil.test', 'x-kept': 'yes' };
    const { text } = await ask(site.edge(0).http, 'example.com', { headers });
    expect((JSON.parse(text) as Echo).headers).toMatchObject({
      host: 'example.com',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'example.com',
      'x-kept': 'yes',
    });
  });

  it('a gigabyte comes down byte for byte, in little memory', async () => {
    const answer = await open(site.edge(0).http, 'example.com', { path: `/bytes/${DOWNLOAD}` });
    expect(await receiveBulk(answer)).toBe(DOWNLOAD);
    expect(site.edge(0).service.process.peakMemory).toBeLessThan(MOST_MEMORY);
    expect(agent.process.peakMemory).toBeLessThan(MOST_MEMORY);
  }, 120_000);

  it.each([
    ['with a length', { 'content-length': UPLOAD }],
    ['in chunks', {}],
  ])(
    'a quarter of a gigabyte goes up byte for byte %s, in little memory',
    async (_, headers) => {
      const body = bulk(UPLOAD);
      const asked = { method: 'POST', path: '/upload', headers, body };
      const { text } = await ask(site.edge(0).http, 'example.com', asked);
      expect(text).toBe(`${UPLOAD}`);
      expect(site.edge(0).service.process.peakMemory).toBeLessThan(MOST_MEMORY);
      expect(agent.process.peakMemory).toBeLessThan(MOST_MEMORY);
    },
    60_000,
  );
});
