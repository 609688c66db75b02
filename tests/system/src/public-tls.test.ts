import { execFile, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { Agent, createServer, request } from 'node:https';
import type { RequestOptions, Server } from 'node:https';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { Authority, eventually, freePort } from '@culvert/testkit';
import type { CertificateFiles } from '@culvert/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { MIB, receiveBulk } from './testing/bulk.ts';
import { ask } from './testing/http-client.ts';
import { Installation, SHOP, at } from './testing/installation.ts';
import { LocalService } from './testing/local-service.ts';

const run = promisify(execFile);
const HOSTS = ['shop.test', 'www.shop.test', 'own.test'];
const MTLS_PORT = 'mutual';

let folder = '';
let authority: Authority;
let certificates: Record<'shop' | 'wildcard' | 'renewed' | 'own' | 'alice', CertificateFiles>;
let live: CertificateFiles;
let site: Installation;
let shop: LocalService;
let own: Server;
const ports: Record<string, number> = {};

/** The names in the certificate that a file holds are told apart by its subject, which is the name it was issued by. */
const issueAll = () => ({
  shop: authority.issue('shop', 'DNS:shop.test'),
  wildcard: authority.issue('wildcard', 'DNS:*.shop.test'),
  renewed: authority.issue('renewed', 'DNS:shop.test'),
  own: authority.issue('own', 'DNS:own.test'),
  alice: authority.issue('alice', 'DNS:alice.test'),
});

/** Puts certificate and key in place as tools that renew them do. */
function install({ cert, key }: CertificateFiles): void {
  for (const [from, to] of [
    [key, live.key],
    [cert, live.cert],
  ] as const) {
    copyFileSync(from, `${to}.new`);
    renameSync(`${to}.new`, to);
  }
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'culvert-tls-'));
  authority = new Authority(folder);
  certificates = issueAll();
  live = { cert: join(folder, 'live.pem'), key: join(folder, 'live.key') };
  install(certificates.shop);
  shop = await LocalService.start('shop');
  own = createServer(
    { cert: readFileSync(certificates.own.cert), key: readFileSync(certificates.own.key) },
    (_, response) => response.end('its own TLS'),
  );
  await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve));
  for (const what of ['plain', 'tls', MTLS_PORT]) ports[what] = await freePort();
  site = await Installation.start({
    edges: 2,
    routes: [
      { hostname: '.shop.test', tunnel: SHOP },
      { hostname: 'own.test', tunnel: SHOP, tls: 'passthrough' },
    ],
  });
  const all = [live, certificates.wildcard];
  const clientCertificates = { ca: authority.file, subjectHeader: 'X-Client-Cert-Subject' };
  for (const node of site.edges) {
    await node.service.stop('SIGKILL');
    const { host } = node.http;
    const listen = (what: string): string => `${host}:${ports[what]}`;
    node.service.extend({
      entryPoints: [
        { listen: at(node.http) },
        { listen: listen('plain'), redirectToHttps: ports['tls'] },
        { listen: listen('tls'), tls: { certificates: all }, hsts: { maxAge: 600 } },
        { listen: listen(MTLS_PORT), tls: { certificates: all, clientCertificates } },
      ],
    });
    await node.service.start();
  }
  await site.attach({
    ingress: [
      { hostname: 'own.test', service: `tcp://127.0.0.1:${(own.address() as AddressInfo).port}` },
      { service: shop.url },
    ],
  });
}, 120_000);

afterAll(async () => {
  await site.stop();
  await shop.stop();
  own.close();
  rmSync(folder, { recursive: true });
});

/** What curl tells of an answer of the first edge: the head and, behind it, the body. */
async function curl(url: string, ...args: readonly string[]): Promise<string> {
  const { port, hostname } = new URL(url);
  const hosts = [...HOSTS, hostname].flatMap((name) => ['--resolve', `${name}:${port}:127.0.0.1`]);
  const { stdout } = await run('curl', ['-sSi', '--cacert', authority.file, ...hosts, ...args, url]);
  return stdout;
}

const url = (what: string, path = '/', host = 'shop.test'): string => `https://${host}:${ports[what]}${path}`;

/** What `openssl s_client` says of a handshake, in which it sends a request. */
function handshake(edge: string, ...args: readonly string[]): Promise<string> {
  const child = spawn('openssl', ['s_client', '-connect', `${edge}:${ports['tls']}`, ...args]);
  child.stdin.on('error', () => undefined);
  child.stdin.write('GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n');
  return Promise.all([text(child.stdout), text(child.stderr)]).then((said) => said.join('\n'));
}

describe('an entry point with certificates', () => {
  it.each([
    ['HTTP/1.1', '--http1.1', /^HTTP\/1\.1 200 /],
    ['HTTP/2', '--http2', /^HTTP\/2 200 /],
    ['HTTP/1.1 over TLS 1.2', '--http1.1 --tls-max 1.2', /^HTTP\/1\.1 200 /],
  ])('serves curl by %s, and services are told of https', async (_, args, status) => {
    const answer = await curl(url('tls', '/echo'), ...args.split(' '));
    expect(answer).toMatch(status);
    expect(answer).toContain('"x-forwarded-proto":"https"');
    expect(answer.toLowerCase()).toContain('strict-transport-security: max-age=600\r\n');
  });

  it.each([
    ['shop.test', 'shop'],
    ['www.shop.test', 'wildcard'],
    ['else.test', 'shop'],
  ])('shows %s the certificate %s', async (name, subject) => {
    expect(await handshake('127.0.0.1', '-servername', name)).toMatch(`subject=CN = ${subject}\n`);
  });

  it('refuses TLS 1.1 and unknown application protocols', async () => {
    expect(await handshake('127.0.0.1', '-tls1_1', '-cipher', 'DEFAULT@SECLEVEL=0')).toContain(
      'alert protocol version',
    );
    expect(await handshake('127.0.0.1', '-alpn', 'imap')).toContain('alert no application protocol');
  });

  it.each(['-tls1_2', '-tls1_3'])('resumes sessions (%s) that another edge has begun', async (version) => {
    const file = join(folder, `session${version}`);
    const named = ['-servername', 'shop.test', version, '-alpn', 'http/1.1'];
    expect(await handshake('127.0.0.1', ...named, '-sess_out', file)).toMatch(/^New, TLS/m);
    expect(await handshake('127.0.0.2', ...named, '-sess_in', file)).toMatch(/^Reused, TLS/m);
  });

  it('passes TLS through where the route says so, beside what it terminates', async () => {
    expect(await curl(url('tls', '/', 'own.test'))).toContain('its own TLS');
    // The edge has no certificate for it: the service's own was shown.
    expect(await handshake('127.0.0.1', '-servername', 'own.test')).toMatch('subject=CN = own\n');
    expect(await curl(url('tls'), '-H', 'Host: own.test')).toMatch(/^HTTP\/2 421 /);
  });

  it('refuses a request for a host of another certificate, and serves one that has the same', async () => {
    const misdirected = await curl(url('tls'), '--http1.1', '-H', 'Host: www.shop.test');
    expect(misdirected).toMatch(/^HTTP\/1\.1 421 /);
    expect(misdirected).toContain('X-Culvert-Error: misdirected');
    const address = `https://127.0.0.1:${ports['tls']}/echo`;
    expect(await curl(address, '-k', '-H', 'Host: shop.test')).toMatch(/^HTTP\/2 200 /);
  });

  it('carries WebSockets', async () => {
    const webSocket = new WebSocket(`wss://127.0.0.1:${ports['tls']}/`, {
      agent: new Agent({ ca: authority.pem, servername: 'shop.test' }),
      headers: { host: 'shop.test' },
    });
    const echoed = new Promise((resolve, reject) => {
      webSocket.on('open', () => webSocket.send('hello'));
      webSocket.on('message', (data: Buffer) => resolve(data.toString()));
      webSocket.on('error', reject);
    });
    expect(await echoed).toBe('hello');
    webSocket.close();
  });

  it('asks clients for certificates where it shall, and tells services whose they are', async () => {
    const { cert, key } = certificates.alice;
    const lie = ['-H', 'X-Client-Cert-Subject: CN=root'];
    const served = await curl(url(MTLS_PORT, '/echo'), '--cert', cert, '--key', key, ...lie);
    expect(served).toContain('"x-client-cert-subject":"CN=alice"');
    expect(served).not.toContain('CN=root');
    await expect(curl(url(MTLS_PORT))).rejects.toThrow(/curl: \((?:35|55|56)\)/);
    expect(await curl(url('tls', '/echo'), ...lie)).not.toContain('client-cert');
  });
});

describe('an entry point in clear', () => {
  it('sends to HTTPS, where curl follows', async () => {
    const clear = `http://shop.test:${ports['plain']}/echo?a=b`;
    const answer = await curl(clear, '-L', '--resolve', `shop.test:${ports['tls']}:127.0.0.1`);
    expect(answer).toMatch(/^HTTP\/1\.1 308 /);
    expect(answer).toContain(`Location: ${url('tls', '/echo?a=b')}\r\n`);
    expect(answer).toMatch(/HTTP\/2 200 /);
    expect(answer).toContain('"url":"/echo?a=b"');
  });

  it('serves challenges of certificate authorities itself', async () => {
    const answer = await curl(`http://shop.test:${ports['plain']}/.well-known/acme-challenge/x`);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('a renewed certificate', () => {
  const kept = new Agent({ keepAlive: true, maxSockets: 1 });
  const get = (path: string, more: RequestOptions = {}): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const where = { host: '127.0.0.1', port: ports['tls'], path, headers: { host: 'shop.test' } };
      request({ ...where, ca: authority.pem, servername: 'shop.test', ...more })
        .on('response', resolve)
        .on('error', reject)
        .end();
    });
  const subject = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port: ports['tls']!, ca: authority.pem, servername: 'shop.test' }, () => {
        resolve(socket.getPeerX509Certificate()?.subject ?? '');
        socket.destroy();
      }).on('error', reject);
    });
  afterAll(() => kept.destroy());

  it('is shown from then on, while a download and a kept connection go on; a broken one is not', async () => {
    expect(await subject()).toBe('CN=shop');
    const first = await get('/echo', { agent: kept });
    const local = first.socket.localPort;
    first.resume();
    await new Promise((resolve) => first.once('end', resolve));
    const size = 64 * MIB;
    const download = await get(`/bytes/${size}`);
    const loaded = site.edge(0).service.process.line('certificates loaded');
    install(certificates.renewed);
    expect(await loaded).toMatchObject({ level: 'info' });
    expect(await subject()).toBe('CN=renewed');
    const refused = site.edge(0).service.process.line('certificate refused, the old one stays in force');
    copyFileSync(certificates.own.key, live.key);
    expect(await refused).toMatchObject({ level: 'error', file: live.key });
    expect(await subject()).toBe('CN=renewed');
    expect(await receiveBulk(download)).toBe(size);
    const second = await get('/echo', { agent: kept });
    expect([second.statusCode, second.socket.localPort]).toEqual([200, local]);
    second.resume();
    install(certificates.shop);
    await eventually(async () => (await subject()) === 'CN=shop');
  });
});

it('handshakes are counted by their outcome', async () => {
  const { text: metrics } = await ask(site.edge(0).admin, 'admin', { path: '/metrics' });
  for (const outcome of ['full', 'failed']) {
    expect(metrics).toMatch(new RegExp(`culvert_edge_tls_handshakes_total\\{outcome="${outcome}"\\} [1-9]`));
  }
});
