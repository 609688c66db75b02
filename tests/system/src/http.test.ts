import { once } from 'node:events';
import { eventually } from '@culvert/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { ask, open } from './testing/http-client.ts';
import { at, Installation, metric, SHOP } from './testing/installation.ts';
import { LocalService } from './testing/local-service.ts';
import { WireClient } from './testing/wire-client.ts';

const BLOG = '22222222-2222-4222-8222-222222222222';

let site: Installation;
let shop: LocalService;
let blog: LocalService;
beforeAll(async () => {
  [shop, blog] = await Promise.all([LocalService.start('shop'), LocalService.start('blog')]);
  site = await Installation.start({
    tunnels: [{ id: BLOG, name: 'blog', token: 'blog-token' }],
    routes: [
      { hostname: 'shop.test', tunnel: SHOP },
      { hostname: 'blog.test', tunnel: BLOG },
      { hostname: 'fixed.test', tunnel: BLOG },
    ],
  });
  await Promise.all([
    site.attach({ ingress: [{ service: shop.url }] }),
    site.attach({
      tunnel: BLOG,
      token: 'blog-token',
      ingress: [{ hostname: 'fixed.test', service: 'http_status:418' }, { service: blog.url }],
    }),
  ]);
});
afterAll(async () => {
  await site.stop();
  await Promise.all([shop.stop(), blog.stop()]);
});

const wire = (): Promise<WireClient> => WireClient.open(site.edge(0).http);
const get = (hostname: string, path = '/', fields = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\n${fields}\r\n`;

describe('one client connection', () => {
  it('is routed anew for each request, also between tunnels', async () => {
    const client = await wire();
    for (const [n, name] of ['shop', 'blog', 'shop', 'blog'].entries()) {
      client.send(get(`${name}.test`, `/${n}`));
      await client.until(new RegExp(`"service":"${name}","method":"GET","url":"/${n}"`));
    }
    client.send(get('nowhere.test'));
    await client.until(/HTTP\/1\.1 404 /);
    client.send(get('blog.test', '/after'));
    await client.until(/"url":"\/after"/);
    client.destroy();
  });

  it('may carry requests one behind the other, answered in their order', async () => {
    const client = await wire();
    const post = 'POST /upload HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 0\r\n\r\n';
    client.send(
      get('shop.test', '/1') + get('blog.test', '/2') + post + get('nowhere.test') + get('shop.test', '/5'),
    );
    await client.until(/"url":"\/5"/);
    const statuses = [...client.text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
    expect(statuses).toEqual(['200', '200', '200', '404', '200']);
    expect(client.text).toMatch(/"url":"\/1"[^]*"url":"\/2"[^]*404[^]*"url":"\/5"/);
    client.destroy();
  });

  it('is closed after its answer where the client asks for it', async () => {
    const client = await wire();
    client.send(get('shop.test', '/', 'Connection: close\r\n'));
    await client.untilClosed();
    expect(client.text).toMatch(/^HTTP\/1\.1 200 .*\r\n[^]*connection: close/i);
  });

  it('of HTTP/1.0 gets its answer and the end', async () => {
    const client = await wire();
    client.send('GET /old HTTP/1.0\r\nHost: shop.test\r\n\r\n');
    await client.untilClosed();
    expect(client.text).toMatch(/^HTTP\/1\.[01] 200 /);
    expect(client.text).toContain('"url":"/old"');
    expect(client.text).not.toMatch(/transfer-encoding/i);
  });
});

describe('a request', () => {
  it('by HEAD gets the head of the answer and nothing else', async () => {
    const client = await wire();
    client.send('HEAD /bytes/12345 HTTP/1.1\r\nHost: shop.test\r\n\r\n' + get('blog.test', '/next'));
    await client.until(/"url":"\/next"/);
    expect(client.text).toMatch(
      /^HTTP\/1\.1 200 [^]*content-length: 12345\r\n([^\r]+\r\n)*\r\nHTTP\/1\.1 200 /i,
    );
    client.destroy();
  });

  it('whose body comes in chunks and trickles is answered as one', async () => {
    const client = await wire();
    client.send('POST /anything HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n');
    for (const chunk of ['1\r\na\r\n', '2\r\nbc\r', '\n0\r\n', 'X-Sum: 3\r\n\r\n']) {
      client.send(chunk);
      await new Promise(setImmediate);
    }
    await client.until(/"method":"POST","url":"\/anything"/);
    client.destroy();
  });

  it('that expects 100-continue is told to go on, by the service', async () => {
    const client = await wire();
    client.send('POST /x HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n');
    await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    client.send('abc');
    await client.until(/HTTP\/1\.1 200 /);
    client.destroy();
  });

  it.each([
    ['with a head that is too long', get('shop.test', '/', `X-Long: ${'x'.repeat(40_000)}\r\n`), 431],
    ['with too many fields', get('shop.test', '/', 'X-Many: x\r\n'.repeat(200)), 431],
    ['without a host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['with two hosts', get('shop.test', '/', 'Host: blog.test\r\n'), 400],
    ['with two lengths', get('shop.test', '/', 'Content-Length: 1\r\nContent-Length: 2\r\n'), 400],
    [
      'with a length and chunks',
      get('shop.test', '/', 'Content-Length: 1\r\nTransfer-Encoding: chunked\r\n'),
      400,
    ],
    ['with a folded field', get('shop.test', '/', 'X-A: 1\r\n 2\r\n'), 400],
    ['with a space before a colon', get('shop.test', '/', 'X-A : 1\r\n'), 400],
    ['of another protocol version', 'GET / HTTP/3.0\r\nHost: shop.test\r\n\r\n', 505],
  ])('%s is refused, and reaches no service', async (_, bytes, status) => {
    const before = shop.requests;
    const client = await wire();
    client.send(bytes);
    await client.untilClosed();
    expect(client.text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(client.text).toMatch(/x-culvert-error: /i);
    expect(shop.requests).toBe(before);
  });

  it('that is cut off is cut off at the service, too', async () => {
    const client = await wire();
    client.send(get('shop.test', '/gate'));
    await eventually(() => shop.waiting === 1);
    client.destroy();
    await eventually(async () => (await metric(site.edge(0).admin, 'culvert_edge_streams')) === 0);
    shop.openGate();
  });
});

describe('a WebSocket', () => {
  it('carries text, binary, pings and its close, end to end', async () => {
    const webSocket = new WebSocket(`ws://${at(site.edge(0).http)}/chat`, { headers: { host: 'shop.test' } });
    await once(webSocket, 'open');
    const echoed = async (data: string | Buffer): Promise<unknown[]> => {
      webSocket.send(data);
      return once(webSocket, 'message');
    };
    expect(await echoed('text')).toEqual([Buffer.from('text'), false]);
    const large = Buffer.alloc(3_000_000, 'culvert');
    const [data, isBinary] = (await echoed(large)) as [Buffer, boolean];
    expect([data.equals(large), isBinary]).toEqual([true, true]);
    webSocket.ping('there?');
    expect(await once(webSocket, 'pong')).toEqual([Buffer.from('there?')]);
    webSocket.close(4_001, 'done');
    expect(await once(webSocket, 'close')).toEqual([4_001, Buffer.from('done')]);
    await eventually(async () => (await metric(site.edge(0).admin, 'culvert_edge_streams')) === 0);
  });

  it('that the service does not want is answered, and the connection stays usable', async () => {
    const client = await wire();
    const upgrade =
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
    client.send(get('fixed.test', '/', `${upgrade}Sec-WebSocket-Version: 13\r\n`));
    await client.until(/^HTTP\/1\.1 418 /);
    client.send(get('blog.test', '/after'));
    await client.until(/"url":"\/after"/);
    await eventually(async () => (await metric(site.edge(0).admin, 'culvert_edge_streams')) === 0);
    client.destroy();
  });
});

describe('server-sent events', () => {
  it('arrive one by one, as they are sent', async () => {
    const answer = await open(site.edge(0).http, 'shop.test', { path: '/events' });
    let received = '';
    answer.on('data', (chunk: Buffer) => void (received += chunk.toString()));
    await eventually(() => shop.listeners === 1);
    for (const event of ['first', 'second', 'third']) {
      shop.emit(event);
      await eventually(() => received.endsWith(`data: ${event}\n\n`));
    }
    answer.destroy();
  });
});

describe('a slow client', () => {
  it('holds up nobody else', async () => {
    const slow = await Promise.all(Array.from({ length: 20 }, wire));
    for (const client of slow) {
      client.send(get('shop.test', '/bytes/100000000'));
      client.socket.pause();
    }
    await eventually(async () => (await metric(site.edge(0).admin, 'culvert_edge_requests')) === 20);
    const since = performance.now();
    for (let n = 0; n < 50; n++) expect((await ask(site.edge(0).http, 'shop.test')).status).toBe(200);
    expect(performance.now() - since).toBeLessThan(10_000);
    for (const client of slow) client.destroy();
    await eventually(async () => (await metric(site.edge(0).admin, 'culvert_edge_requests')) === 0);
  });
});
