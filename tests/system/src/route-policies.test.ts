import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '@culvert/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from './testing/http-client.ts';
import { Installation, SHOP } from './testing/installation.ts';
import { LocalService } from './testing/local-service.ts';
import type { Echo } from './testing/local-service.ts';

const MIB = 1_048_576;
const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'culvert-policies-'));
const page = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

let site: Installation;
let shop: LocalService;
beforeAll(async () => {
  shop = await LocalService.start('shop');
  const route = (hostname: string, policy: object) => ({ hostname, tunnel: SHOP, ...policy });
  site = await Installation.start({
    edges: 2,
    routes: [
      route('rewrite.test', {
        path: '/v1',
        rewrite: { from: '^/v1/(.*)$', to: '/$1' },
        requestHeaders: {
          set: { 'X-Client': '{client_ip} at {edge} for {host}', Host: 'inner.test' },
          add: { Cookie: 'b=2' },
          remove: ['X-Debug'],
        },
        responseHeaders: { set: { 'X-Seen': '{method} {uri}' }, remove: ['X-Service'] },
      }),
      route('redirect.test', { redirect: { to: 'https://www.example.com{uri}', status: 301 } }),
      route('small.test', { maxBody: '64KiB' }),
      route('slow.test', { bandwidth: { up: '512KiB', down: '512KiB' } }),
      route('hasty.test', { timeouts: { firstByte: '500ms' } }),
    ],
    edge: {
      errors: {
        html: page('error.html', '<h1>{status} {title}</h1><p>{host} says {code} ({request_id})</p>'),
        json: page('error.json', '{"problem": "{code}", "status": {status}, "why": "{reason}"}'),
      },
    },
  });
  await site.attach({ ingress: [{ service: shop.url }] });
});
afterAll(async () => {
  await site.stop();
  await shop.stop();
  rmSync(folder, { recursive: true });
});

/** curl's answer: the head as it came, the body, and what `-w` says. */
async function curl(hostname: string, path: string, args: readonly string[] = [], edge = 0) {
  const { host, port } = site.edge(edge).http;
  const url = `http://${hostname}:${port}${path}`;
  const resolve = ['--resolve', `${hostname}:${port}:${host}`];
  const { stdout } = await run('curl', ['-sS', '-i', '--path-as-is', ...resolve, ...args, url], {
    maxBuffer: 64 * MIB,
    encoding: 'latin1',
  });
  const at = stdout.lastIndexOf('\r\n\r\n');
  const head = stdout.slice(0, at);
  return {
    head,
    status: Number(/HTTP\/[\d.]+ (\d+)[^\r]*(?:\r\n[^\r]+)*$/.exec(head)?.[1]),
    body: stdout.slice(at + 4),
  };
}

describe('a route that rewrites', () => {
  it.each([
    ['at the edge of its agent', 0],
    ['through another edge', 1],
  ])('changes path and fields once, %s', async (_, edge) => {
    const args = ['-H', 'X-Debug: 1', '-H', 'Cookie: a=1', '-H', 'X-Client: forged'];
    const answer = await curl('rewrite.test', '/v1/users/7?q=%zz;x', args, edge);
    expect(answer.status).toBe(200);
    const { url, headers } = JSON.parse(answer.body) as Echo;
    expect(url).toBe('/users/7?q=%zz;x');
    expect(headers).toMatchObject({ host: 'inner.test', cookie: 'a=1; b=2' });
    expect(headers['x-client']).toMatch(`at edge-${edge + 1} for rewrite.test`);
    expect(headers['x-client']).toMatch(/^127\.0\.0\.\d /);
    expect(headers['x-forwarded-host']).toMatch(/^rewrite\.test:/);
    expect(headers['x-debug']).toBeUndefined();
    expect(answer.head).toContain('X-Seen: GET /v1/users/7?q=%zz;x');
    expect(answer.head.toLowerCase()).not.toContain('x-service');
  });

  it('is got around by no spelling of the path', async () => {
    for (const path of ['/%76%31/x', '/a/../v1/x', '/v1/./x']) {
      expect((JSON.parse((await curl('rewrite.test', path)).body) as Echo).url).toBe('/x');
    }
    expect((await curl('rewrite.test', '/v1/../admin')).status).toBe(404);
  });
});

it('a route that redirects sends the client on by itself', async () => {
  const before = shop.requests;
  const { status, head } = await curl('redirect.test', '/a?b=1');
  expect(status).toBe(301);
  expect(head).toContain('Location: https://www.example.com/a?b=1\r\n');
  expect(shop.requests).toBe(before);
});

describe('a body that is too large', () => {
  const body = page('body', 'x'.repeat(200_000));

  it.each([
    [
      'by its announced length, before it is sent',
      ['-T', body, '-H', 'Expect: 100-continue', '--expect100-timeout', '10'],
    ],
    ['in chunks', ['-T', body, '-H', 'Transfer-Encoding: chunked', '-H', 'Expect:']],
    ['over HTTP/2', ['-T', body, '--http2-prior-knowledge', '-H', 'Expect:']],
  ])('is refused %s', async (_, args) => {
    const { status, head } = await curl('small.test', '/upload', args);
    expect(status).toBe(413);
    expect(head.toLowerCase()).toContain('x-culvert-error: content_too_large');
    expect(head).not.toContain('100 Continue');
  });

  it('leaves one that is not alone', async () => {
    expect((await curl('small.test', '/', ['-d', 'x'.repeat(60_000)])).status).toBe(200);
  });
});

describe('a bandwidth', () => {
  /** Of `bytes`, curl's own figure in bytes a second. */
  const speed = async (path: string, args: readonly string[], figure: string): Promise<number> => {
    const told = ['-o', '/dev/null', '-w', `\r\n\r\n%{http_code} %{${figure}}`];
    const { body } = await curl('slow.test', path, [...args, ...told]);
    const [status, bytesPerSecond] = body.split(' ');
    expect(status).toBe('200');
    return Number(bytesPerSecond);
  };
  const MOST = 512 * 1_024 * 1.15;

  it.each([
    ['down', '/bytes/1572864', [], 'speed_download'],
    ['down over HTTP/2', '/bytes/1572864', ['--http2-prior-knowledge'], 'speed_download'],
    ['up', '/echo', ['-T', page('up', 'x'.repeat(1.5 * MIB)), '-H', 'Expect:'], 'speed_upload'],
  ])('is kept, %s', async (_, path, args, figure) => {
    const bytesPerSecond = await speed(path, args, figure);
    expect(bytesPerSecond).toBeLessThan(MOST);
    // A machine that is busy may be slower, but it does not stand still.
    expect(bytesPerSecond).toBeGreaterThan(512 * 1_024 * 0.3);
  });

  it('is each request’s own', async () => {
    const began = performance.now();
    const both = await Promise.all([curl('slow.test', '/bytes/524288'), curl('slow.test', '/bytes/524288')]);
    expect(both.map(({ status }) => status)).toEqual([200, 200]);
    expect(performance.now() - began).toBeGreaterThan(800);
    expect((await curl('small.test', '/bytes/4194304')).status).toBe(200);
  });
});

it('a time limit of a route counts in place of the edge’s', async () => {
  const { status, head } = await curl('hasty.test', '/gate');
  expect([status, /X-Culvert-Error: (\w+)/.exec(head)?.[1]]).toEqual([504, 'upstream_timeout']);
  shop.openGate();
});

describe('the pages of an installation', () => {
  it('are what clients get, in what they accept', async () => {
    const html = await curl('nowhere.test', '/', ['-H', 'Accept: text/html']);
    expect(html.body).toMatch(
      /^<h1>404 Unknown hostname<\/h1><p>nowhere\.test says unknown_hostname \(\S+\)<\/p>$/,
    );
    const json = await curl('nowhere.test', '/', ['-H', 'Accept: application/json']);
    expect(JSON.parse(json.body)).toMatchObject({ problem: 'unknown_hostname', status: 404 });
    expect((await curl('nowhere.test', '/')).body).toMatch(/^404 Unknown hostname: /);
  });
});

describe('a policy that changes through the API', () => {
  it('holds at every edge within a second', async () => {
    const target = { hostname: 'live.test', tunnel: SHOP };
    const urls = () =>
      Promise.all(
        site.edges.map(async ({ http }) => {
          const { status, text } = await ask(http, 'live.test', { path: '/v1/x' });
          return status === 200 ? (JSON.parse(text) as Echo).url : String(status);
        }),
      );
    const { status, body } = await site.api('POST', '/routes', { ...target, stripPrefix: '/v1' });
    expect([status, body]).toEqual([201, expect.objectContaining({ stripPrefix: '/v1' })]);
    await eventually(async () => (await urls()).every((url) => url === '/x'), { timeoutMs: 3_000 });
    await site.api('DELETE', '/routes/live.test');
    await site.api('POST', '/routes', { ...target, rewrite: { from: '^/v1', to: '/v2' } });
    await eventually(async () => (await urls()).every((url) => url === '/v2/x'), { timeoutMs: 3_000 });
  });

  it('is refused by its key when it makes no sense', async () => {
    const { status, body } = await site.api('POST', '/routes', {
      hostname: 'odd.test',
      tunnel: SHOP,
      requestHeaders: { set: { 'X-A': '{cleint_ip}' } },
    });
    expect(status).toBe(422);
    const { error } = body as { error: { code: string; message: string } };
    expect(error.code).toBe('invalid');
    expect(error.message).toMatch(/^requestHeaders\.set\.X-A: unknown placeholder/);
  });
});
