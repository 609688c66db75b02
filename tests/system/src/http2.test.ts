import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { connect } from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { eventually } from '@culvert/testkit';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { bulk, receiveBulk } from './testing/bulk.ts';
import { at, Installation, metric, SHOP } from './testing/installation.ts';
import { LocalService } from './testing/local-service.ts';

const run = promisify(execFile);
const BLOG = '22222222-2222-4222-8222-222222222222';

let site: Installation;
let shop: LocalService;
/** A service that answers with trailers, as gRPC's do. */
const summing = createServer((request, response) => {
  void buffer(request).then((body) => {
    response.writeHead(200, { 'content-type': 'application/grpc', trailer: 'grpc-status' });
    response.write(body);
    response.addTrailers({
      'grpc-status': '0',
      'x-sum': createHash('sha256').update(body).digest('hex'),
      'x-asked': [request.headers.te, request.trailers['x-client']].join(' '),
    });
    response.end();
  });
});

beforeAll(async () => {
  shop = await LocalService.start('shop');
  await new Promise<void>((resolve) => summing.listen(0, '127.0.0.1', resolve));
  site = await Installation.start({
    tunnels: [{ id: BLOG, name: 'blog', token: 'blog-token' }],
    routes: [
      { hostname: 'shop.test', tunnel: SHOP },
      { hostname: 'sum.test', tunnel: BLOG },
    ],
  });
  const { port } = summing.address() as AddressInfo;
  await Promise.all([
    site.attach({ ingress: [{ service: shop.url }] }),
    site.attach({ tunnel: BLOG, token: 'blog-token', ingress: [{ service: `http://127.0.0.1:${port}` }] }),
  ]);
});
afterAll(async () => {
  await site.stop();
  await shop.stop();
  summing.closeAllConnections();
  summing.close();
});

function session(): ClientHttp2Session {
  const client = connect(`http://${at(site.edge(0).http)}`);
  client.on('error', () => undefined);
  onTestFinished(() => client.destroy());
  return client;
}

const head = (stream: ClientHttp2Stream): Promise<IncomingHttpHeaders & { ':status'?: number }> =>
  new Promise((resolve, reject) => stream.once('response', resolve).once('error', reject));

describe('HTTP/2 in clear', () => {
  it('is spoken with curl', async () => {
    const url = `http://${at(site.edge(0).http)}/hello?x=1`;
    const common = ['-s', '--http2-prior-knowledge', '-H', 'Host: shop.test', '--data-binary', 'body'];
    const { stdout } = await run('curl', [...common, '-w', '\n%{http_version} %{http_code}', url]);
    const [body = '', told] = stdout.split('\n');
    expect(told).toBe('2 200');
    expect(JSON.parse(body)).toMatchObject({ service: 'shop', method: 'POST', url: '/hello?x=1' });
  });

  it('carries many requests, uploads and downloads at a time, byte for byte', async () => {
    const client = session();
    const downloads = Array.from({ length: 10 }, async () => {
      const stream = client.request({ ':path': '/bytes/1000000', ':authority': 'shop.test' });
      return receiveBulk(stream);
    });
    const uploads = Array.from({ length: 10 }, async () => {
      const stream = client.request({ ':method': 'POST', ':path': '/upload', ':authority': 'shop.test' });
      bulk(1_000_000).pipe(stream);
      return Number((await buffer(stream)).toString());
    });
    const echoes = Array.from({ length: 100 }, async (_, n) => {
      const stream = client.request({ ':path': `/${n}`, ':authority': 'shop.test' });
      const { url } = JSON.parse((await buffer(stream)).toString()) as { url: string };
      return url === `/${n}`;
    });
    expect(await Promise.all([...downloads, ...uploads])).toEqual(Array(20).fill(1_000_000));
    expect(await Promise.all(echoes)).toEqual(Array(100).fill(true));
  });

  it('brings trailers both ways, as gRPC wants them', async () => {
    const stream = session().request(
      { ':method': 'POST', ':path': '/', ':authority': 'sum.test', te: 'trailers' },
      { waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-client': 'mine' }));
    const trailers = new Promise<IncomingHttpHeaders>((resolve) => stream.once('trailers', resolve));
    stream.end('message');
    expect((await head(stream))['content-type']).toBe('application/grpc');
    expect((await buffer(stream)).toString()).toBe('message');
    expect({ ...(await trailers) }).toMatchObject({
      'grpc-status': '0',
      'x-sum': createHash('sha256').update('message').digest('hex'),
      'x-asked': 'trailers mine',
    });
  });

  it('brings events as they happen', async () => {
    const stream = session().request({ ':path': '/events', ':authority': 'shop.test' });
    let heard = '';
    stream.setEncoding('utf8').on('data', (text: string) => (heard += text));
    await eventually(() => shop.listeners > 0);
    shop.emit('one');
    await eventually(() => heard === 'data: one\n\n');
    shop.emit('two');
    await eventually(() => heard === 'data: one\n\ndata: two\n\n');
  });

  it('carries WebSockets beside requests on one connection', async () => {
    const client = session();
    await eventually(() => client.remoteSettings.enableConnectProtocol);
    const stream = client.request({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':scheme': 'http',
      ':path': '/chat',
      ':authority': 'shop.test',
      'sec-websocket-version': '13',
    });
    expect((await head(stream))[':status']).toBe(200);
    const heard: Buffer[] = [];
    stream.on('data', (bytes: Buffer) => void heard.push(bytes));
    // A masked text frame (RFC 6455 §5.2) under a mask of zeros.
    stream.write(Buffer.concat([Buffer.from('8182', 'hex'), Buffer.alloc(4), Buffer.from('hi')]));
    await eventually(() => Buffer.concat(heard).equals(Buffer.from('\x81\x02hi', 'latin1')));
    const echo = client.request({ ':path': '/beside', ':authority': 'shop.test' });
    expect((await buffer(echo)).toString()).toContain('"/beside"');
    stream.end(Buffer.concat([Buffer.from('8880', 'hex'), Buffer.alloc(4)]));
    await eventually(() => stream.destroyed);
  });

  it('bears many streams on many connections', async (context) => {
    const url = `http://${at(site.edge(0).http)}/load`;
    const h2load = await run('h2load', ['--version']).catch(() => undefined);
    if (h2load === undefined) return context.skip('h2load is not installed');
    const options = ['-n', '2000', '-c', '10', '-m', '20', '-H', ':authority: shop.test'];
    const { stdout } = await run('h2load', [...options, url]);
    expect(stdout).toMatch(
      /requests: 2000 total, 2000 started, 2000 done, 2000 succeeded, 0 failed, 0 errored/,
    );
    expect(await metric(site.edge(0).admin, 'culvert_edge_http2_connections_total')).toBeGreaterThanOrEqual(
      10,
    );
  });

  it('is told that the edge leaves, and finishes what runs', async () => {
    const other = await Installation.start({
      edge: { drainDelay: '0s' },
      routes: [{ hostname: 'shop.test', tunnel: SHOP }],
    });
    onTestFinished(() => other.stop());
    await other.attach({ ingress: [{ service: shop.url }] });
    const client = connect(`http://${at(other.edge(0).http)}`);
    client.on('error', () => undefined);
    const told = new Promise<number>((resolve) => client.once('goaway', resolve));
    const stream = client.request({ ':path': '/gate', ':authority': 'shop.test' });
    await eventually(() => shop.waiting > 0);
    const stopped = other.edge(0).service.stop();
    expect(await told).toBe(0);
    shop.openGate();
    expect((await buffer(stream)).toString()).toBe('through the gate of shop\n');
    await stopped;
  });
});
