import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ServerProcess, freePort } from '@culvert/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from './testing/http-client.ts';
import { Installation, SHOP, at } from './testing/installation.ts';
import { LocalService } from './testing/local-service.ts';
import type { Echo } from './testing/local-service.ts';
import { WireClient } from './testing/wire-client.ts';

const curl = promisify(execFile);
/** Of the proxies in these tests: the edge trusts it, and 127.0.0.1 is a stranger to it. */
const PROXY = '127.0.0.9';

let site: Installation;
let shop: LocalService;
let port: number;
beforeAll(async () => {
  [shop, port] = await Promise.all([LocalService.start('shop'), freePort()]);
  site = await Installation.start({
    routes: [
      { hostname: 'shop.test', tunnel: SHOP },
      { hostname: 'loop.test', tunnel: SHOP },
      { port, tunnel: SHOP },
    ],
    edge: {
      trustedProxies: [PROXY],
      forwardedHeaders: ['x-forwarded', 'forwarded'],
      portRoutes: { proxyProtocol: 'require' },
    },
  });
  await site.attach({
    ingress: [
      { hostname: 'loop.test', service: `http://${at(site.edge(0).http)}` },
      { hostname: 'port.test', service: `tcp://127.0.0.1:${shop.port}` },
      { service: shop.url },
    ],
  });
});
afterAll(async () => {
  await site.stop();
  await shop.stop();
});

const echoOf = (text: string): Echo => JSON.parse(text) as Echo;

/** As the proxy asks with curl. */
async function curled(...args: readonly string[]): Promise<Echo> {
  const url = `http://${at(site.edge(0).http)}/x`;
  const { stdout } = await curl('curl', ['-sS', '--interface', PROXY, '-H', 'Host: shop.test', ...args, url]);
  return echoOf(stdout);
}

describe('a service behind an edge behind nginx', () => {
  let nginx: ServerProcess;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'culvert-nginx-'));
    nginx = await ServerProcess.start({
      command: 'nginx',
      args: (listen) => ['-p', folder, '-e', 'stderr', '-c', configuration(folder, listen)],
      greeting: 'GET / HTTP/1.0\r\n\r\n',
      expect: 'HTTP/1.1 ',
    });
  });
  afterAll(async () => {
    await nginx.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('learns who the client is, what it asked for, and the id that nginx gave', async () => {
    const place = { host: '127.0.0.1', port: nginx.port };
    const headers = { 'x-forwarded-for': '203.0.113.66', forwarded: 'for=203.0.113.66' };
    const { status, text } = await ask(place, 'shop.test:8443', { headers });
    expect(status).toBe(200);
    const seen = echoOf(text).headers;
    expect(seen).toMatchObject({
      host: 'shop.test',
      'x-forwarded-for': `203.0.113.66, 127.0.0.1, ${PROXY}`,
      'x-real-ip': '127.0.0.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'shop.test:8443',
      'x-forwarded-port': '8443',
      'x-request-id': 'of-nginx',
    });
    expect(seen['forwarded']).toContain(
      'for=203.0.113.66, for=127.0.0.1;proto=https;host="shop.test:8443", for=127.0.0.9;by=_edge-1;proto=http;',
    );
    expect(seen['via']).toMatch(/^1\.1 culvert-[0-9a-f]{12}$/);
  });

  function configuration(home: string, listen: number): string {
    const file = join(home, 'nginx.conf');
    writeFileSync(
      file,
      `daemon off; worker_processes 1; pid ${home}/pid;
      events {}
      http {
        access_log off; client_body_temp_path ${home}/b; proxy_temp_path ${home}/p;
        fastcgi_temp_path ${home}/f; uwsgi_temp_path ${home}/u; scgi_temp_path ${home}/s;
        server {
          listen 127.0.0.1:${listen};
          location / {
            proxy_pass http://${at(site.edge(0).http)};
            proxy_bind ${PROXY};
            proxy_http_version 1.1;
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto https;
            proxy_set_header X-Forwarded-Host $http_host;
            proxy_set_header X-Request-Id of-nginx;
          }
        }
      }`,
    );
    return file;
  }
});

describe('PROXY protocol', () => {
  it('version 1, as curl sends it, is taken from a trusted proxy', async () => {
    const { headers } = await curled('--haproxy-protocol');
    expect(headers['x-real-ip']).toBe(PROXY);
    expect(headers['x-forwarded-for']).toBe(PROXY);
  });

  it('version 1, as curl sends it, ends the connection of a stranger', async () => {
    const url = `http://${at(site.edge(0).http)}/x`;
    const asked = curl('curl', ['-sS', '--haproxy-protocol', '-H', 'Host: shop.test', url]);
    await expect(asked).rejects.toMatchObject({ code: 52 });
  });

  const header = Buffer.from('0d0a0d0a000d0a515549540a2111000c' + 'cb007109c6336402' + '126701bb', 'hex');

  it('version 2 names the client of all requests of its connection', async () => {
    const client = await WireClient.open(site.edge(0).http, PROXY);
    client.send(header);
    for (const path of ['/1', '/2']) {
      client.send(`GET ${path} HTTP/1.1\r\nHost: shop.test\r\nX-Forwarded-For: 192.0.2.66\r\n\r\n`);
      await client.until(new RegExp(`"url":"${path}"`));
    }
    expect(client.text.match(/"x-forwarded-for":"[^"]*"/g)).toEqual([
      '"x-forwarded-for":"203.0.113.9"',
      '"x-forwarded-for":"203.0.113.9"',
    ]);
    client.destroy();
  });

  it('is required at the ports of routes, where that is configured', async () => {
    const place = { host: '127.0.0.1', port };
    const request = 'GET /port HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    const without = await WireClient.open(place, PROXY);
    without.send(request);
    await without.untilClosed();
    expect(without.text).toBe('');
    const stranger = await WireClient.open(place);
    await stranger.untilClosed();
    const client = await WireClient.open(place, PROXY);
    client.send(header.subarray(0, 7));
    client.send(Buffer.concat([header.subarray(7), Buffer.from(request)]));
    await client.until(/"url":"\/port"/);
    client.destroy();
  });
});

describe('a rule that leads back to the edge', () => {
  it('is cut off at once, however the client comes', async () => {
    const { status, headers } = await ask(site.edge(0).http, 'loop.test');
    expect([status, headers['x-culvert-error']]).toEqual([508, 'loop_detected']);
  });
});
