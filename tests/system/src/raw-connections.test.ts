import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { Authority, eventually, freePort } from '@culvert/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bulk, MIB, receiveBulk } from './testing/bulk.ts';
import { ask } from './testing/http-client.ts';
import type { Place } from './testing/http-client.ts';
import { Installation, SHOP } from './testing/installation.ts';
import { WireClient } from './testing/wire-client.ts';

const SIZE = 32 * MIB;

let folder = '';
let authority: Authority;
let site: Installation;
let secure: Server;
let plain: Server;
let publicPort = 0;

/** Sends back what comes, and ends when the client does; "download" gets bulk content instead. */
function serve(socket: Socket): void {
  socket.on('error', () => undefined);
  socket.once('data', (first: Buffer) => {
    if (first.toString() === 'download') return void bulk(SIZE).pipe(socket);
    socket.write(first);
    socket.pipe(socket);
  });
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'culvert-raw-'));
  authority = new Authority(folder);
  const { cert, key } = authority.issue('secure', 'DNS:secure.test');
  secure = createTlsServer(
    { cert: readFileSync(cert), key: readFileSync(key), ALPNProtocols: ['x-own'] },
    serve,
  );
  plain = createServer({ allowHalfOpen: true }, serve);
  await Promise.all([secure, plain].map((server) => listening(server)));
  publicPort = await freePort();
  site = await Installation.start({
    edges: 2,
    routes: [
      { hostname: 'secure.test', tunnel: SHOP },
      { hostname: 'web.test', tunnel: SHOP },
      { port: publicPort, tunnel: SHOP },
    ],
  });
  await site.attach({
    ingress: [
      { hostname: 'secure.test', service: `tcp://127.0.0.1:${portOf(secure)}` },
      { hostname: 'web.test', service: 'http_status:204' },
      { service: `tcp://127.0.0.1:${portOf(plain)}` },
    ],
  });
});
afterAll(async () => {
  await site.stop();
  secure.close();
  plain.close();
  rmSync(folder, { recursive: true });
});

describe('TLS on the same entry point as HTTP', () => {
  const dial = async (edge: number, servername: string): Promise<TLSSocket> => {
    const { host, port } = site.edge(edge).http;
    const socket = connectTls({ host, port, servername, ca: authority.pem, ALPNProtocols: ['x-own'] });
    await once(socket, 'secureConnect');
    return socket;
  };

  it.each([0, 1])('reaches the service of its server name untouched, at edge %i', async (edge) => {
    const socket = await dial(edge, 'secure.test');
    expect(socket.authorized).toBe(true);
    expect(socket.alpnProtocol).toBe('x-own');
    expect(socket.getPeerCertificate().subject.CN).toBe('secure');
    socket.write('download');
    expect(await receiveBulk(sized(socket, SIZE))).toBe(SIZE);
    socket.destroy();
    expect((await ask(site.edge(edge).http, 'web.test')).status).toBe(204);
  });

  it('is closed for a server name that leads nowhere, or to HTTP', async () => {
    for (const name of ['nowhere.test', 'web.test']) await expect(dial(0, name)).rejects.toThrow();
  });
});

describe('a route by port', () => {
  const fronts = (): Place[] => site.edges.map(({ http: { host } }) => ({ host, port: publicPort }));

  it('is bound by every edge and passes bytes both ways', async () => {
    for (const front of fronts()) {
      const client = await eventually(() => WireClient.open(front));
      client.send('there and back');
      await client.until(/^there and back$/);
      client.destroy();
    }
  });

  it('carries a half-close: the answer comes after the client has said everything', async () => {
    for (const front of fronts()) {
      const client = await WireClient.open(front);
      client.socket.end('last words');
      expect(await text(client.socket)).toBe('last words');
      await client.untilClosed();
    }
  });

  it('carries bulk content', async () => {
    const client = await WireClient.open(fronts()[1]!);
    client.socket.removeAllListeners('data');
    client.send('download');
    expect(await receiveBulk(client.socket)).toBe(SIZE);
  });

  it('comes and goes through the API, and a taken port is told', async () => {
    const [fresh, taken] = [await freePort(), createServer()];
    const { host } = site.edge(0).http;
    await new Promise<void>((resolve) => taken.listen(0, host, resolve));
    const { body } = await site.api('POST', '/routes', { port: fresh, tunnel: SHOP });
    await site.api('POST', '/routes', { port: portOf(taken), tunnel: SHOP });
    const client = await eventually(() => WireClient.open({ host, port: fresh }), { timeoutMs: 1_000 });
    client.destroy();
    await eventually(
      async () => {
        const edges = await site.list<{ id: string; warnings: string[] }>('edges');
        return edges
          .find(({ id }) => id === 'edge-1')
          ?.warnings.some((text) => text.includes(`${portOf(taken)}`));
      },
      { timeoutMs: 10_000 },
    );
    await site
      .edge(0)
      .service.process.line('port route cannot be bound', ({ port }) => port === portOf(taken));
    await site.api('DELETE', `/routes/${encodeURIComponent((body as { id: string }).id)}`);
    await eventually(
      () =>
        WireClient.open({ host, port: fresh }).then(
          (late) => (late.destroy(), false),
          () => true,
        ),
      { timeoutMs: 1_000 },
    );
    taken.close();
  });

  it('resets the client where the service is not there', async () => {
    plain.close();
    const client = await WireClient.open(fronts()[0]!);
    client.send('anybody?');
    await client.untilClosed();
    expect(client.received).toHaveLength(0);
  });
});

/** The next bytes of a connection that stays open. */
async function* sized(socket: Socket, bytes: number): AsyncGenerator<Buffer> {
  let left = bytes;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    yield chunk.subarray(0, left);
    left -= chunk.length;
    if (left <= 0) return;
  }
}

function listening(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
