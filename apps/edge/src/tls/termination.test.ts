import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import type { AddressInfo, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { eventually } from '@culvert/testkit';
import { ResetCode } from '@culvert/wire';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeAuthority } from '../testing/authority.ts';
import { startInstallation } from '../testing/edge-kit.ts';
import { fill } from '../testing/fill.ts';
import { HOSTNAME, TUNNEL } from '../testing/router-double.ts';
import { connectOverTls } from '../testing/tls-client.ts';

const { authority, folder } = makeAuthority();
const ca = authority.pem;
const app = authority.issue('app', 'DNS:app.test');
const shop = authority.issue('shop', 'DNS:*.shop.test');
const rsa = rsaCertificate('rsa.test');
const both = [authority.issue('both', 'DNS:both.test'), rsaCertificate('both.test')] as const;

/** Vouches for itself. */
function rsaCertificate(name: string) {
  const files = { cert: join(folder, `rsa-${name}.pem`), key: join(folder, `rsa-${name}.key`) };
  const how = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=rsa'];
  const out = ['-addext', `subjectAltName=DNS:${name}`, '-keyout', files.key, '-out', files.cert];
  execFileSync('openssl', ['req', ...how, ...out], { stdio: 'ignore' });
  return files;
}

const entryPoint = (tls: object = {}) => ({
  entryPoints: [{ listen: '127.0.0.1:0', tls: { certificates: [app, shop], ...tls } }],
});

async function startWithTls(more: object = {}, tls: object = {}) {
  const installation = await startInstallation({ ...entryPoint(tls), ...more });
  const agent = await installation.edge.attach();
  const over = (options: ConnectionOptions = {}) =>
    connectOverTls(installation.edge.httpPort, { ca, ...options });
  return { ...installation, agent, over };
}

const digest = (text: string): string => createHash('sha256').update(text, 'latin1').digest('hex');

/** The first flight of a handshake. */
async function clientHello(): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connectTls({ host: '127.0.0.1', port, servername: 'app.test' }).on('error', () => undefined);
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [hello] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  return hello;
}

/** Passes a connection on to a port of loopback, and keeps what comes back. */
async function startTap(target: number) {
  const parts: Buffer[] = [];
  const server = createServer((socket) => {
    const onward = connect(target, '127.0.0.1');
    onward.on('data', (part: Buffer) => void parts.push(part));
    for (const one of [socket, onward]) one.on('error', () => undefined);
    socket.pipe(onward).pipe(socket);
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, received: () => Buffer.concat(parts) };
}

/** How many of the TLS records carry application data (RFC 5246 §6.2.1). */
function dataRecords(bytes: Buffer): number {
  let records = 0;
  for (let at = 0; at < bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) if (bytes[at] === 23) records++;
  return records;
}

/** The code of the error that a handshake ends with. */
async function refusalOf(handshake: Promise<unknown>): Promise<string | undefined> {
  const error = await handshake.then(
    () => undefined,
    (cause: unknown) => cause as NodeJS.ErrnoException,
  );
  return error?.code;
}

describe('a request over TLS', () => {
  it('is served as in clear, and its service is told of https', async () => {
    const { agent, over } = await startWithTls();
    const { socket, client } = await over();
    expect([socket.alpnProtocol, socket.getProtocol()]).toEqual(['http/1.1', 'TLSv1.3']);
    for (const body of ['one', 'two']) {
      client.request('POST /', ['Content-Length: 2', 'X-Forwarded-Proto: http'], 'in');
      const stream = await (await agent.next()).whole();
      expect(stream.head).toContain('X-Forwarded-Proto: https\r\n');
      expect(stream.head).not.toContain('X-Forwarded-Proto: http\r\n');
      expect(stream.text).toBe('in');
      stream.ok(body);
      expect(await client.response()).toMatchObject({ status: 200, body });
    }
  });

  it('is served on the same entry point as requests in clear', async () => {
    const { edge, agent, over } = await startWithTls();
    agent.serve = (stream) => void stream.ok();
    expect((await (await edge.connect()).request().response()).status).toBe(200);
    expect((await (await over()).client.request().response()).status).toBe(200);
  });

  it('has bodies of any size, both ways', async () => {
    const { agent, over } = await startWithTls();
    const body = 'abcdefghijk'.repeat(500_000);
    const length = `Content-Length: ${body.length}`;
    const { client } = await over();
    client.request('POST /', [length], body);
    const stream = await (await agent.next()).whole();
    expect(digest(stream.text)).toBe(digest(body));
    stream.answer(`HTTP/1.1 200 OK\r\n${length}`, '', 'more');
    let at = 0;
    stream.onRoom = () => {
      for (let room = true; room && at < body.length; at += 60_000) {
        const part = body.slice(at, at + 60_000);
        room = stream.send(part, at + part.length === body.length ? 'last' : 'more');
      }
    };
    stream.onRoom();
    expect(digest((await client.response()).body)).toBe(digest(body));
  });

  it('ends for a client that leaves with the request at the service', async () => {
    const { agent, over } = await startWithTls();
    const { socket, client } = await over();
    client.request();
    const stream = await agent.next();
    socket.destroy();
    await eventually(() => stream.reset);
  });

  it('whose response breaks off is aborted below TLS, not closed', async () => {
    const { agent, over } = await startWithTls();
    const { client } = await over();
    client.request();
    const stream = await agent.next();
    stream.answer('HTTP/1.1 200 OK\r\nContent-Length: 100', 'half', 'more');
    await client.hear('half');
    stream.stream.reset(ResetCode.AgentLost, 'broke');
    expect(await client.over()).toBe('by reset');
    expect(client.ended).toBe(false);
  });

  it('that is broken gets its answer and a clean end', async () => {
    const { over } = await startWithTls();
    const { client } = await over();
    client.send('GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n');
    expect((await client.response()).status).toBe(400);
    expect(await client.over()).toBe('cleanly');
  });

  it('may become another protocol, whose bytes go both ways', async () => {
    const { agent, over } = await startWithTls();
    const { client } = await over();
    client.request('GET /ws', ['Connection: Upgrade', 'Upgrade: echo']);
    const stream = await agent.next();
    stream.rawHead(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n',
      '',
      'more',
    );
    await client.hear('101');
    client.send('ping');
    await eventually(() => stream.text === 'ping');
    stream.send('pong');
    await client.hear('pong');
    stream.stream.reset(ResetCode.Cancelled, 'gone');
    expect(await client.over()).toBe('by reset');
  });

  it('that has become another protocol may end in one direction only', async () => {
    const { agent, over } = await startWithTls();
    const { socket, client } = await over();
    socket.allowHalfOpen = true;
    client.request('GET /ws', ['Connection: Upgrade', 'Upgrade: echo']);
    const stream = await agent.next();
    stream.rawHead(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n',
      '',
      'more',
    );
    await client.hear('101');
    socket.end('last');
    await stream.whole();
    stream.send('an answer to the end', 'last');
    await client.hear('an answer to the end');
    expect(await client.over()).toBe('cleanly');
    expect(stream.reset).toBeUndefined();
  });

  it.each([
    ['a length', 'Content-Length: 1000', 1_000],
    ['chunks', 'Transfer-Encoding: chunked', 1_000],
    ['a length that fills a record with its head', 'Content-Length: 16000', 16_000],
  ])('whose answer is small leaves in one TLS record, with %s', async (_, framing, bytes) => {
    const { edge, agent } = await startWithTls();
    const tap = await startTap(edge.httpPort);
    // In TLS 1.3 tickets look like data.
    const { client } = await connectOverTls(tap.port, { ca, maxVersion: 'TLSv1.2' });
    agent.serve = (stream) => void stream.answer(`HTTP/1.1 200 OK\r\n${framing}`, 'x'.repeat(bytes), 'last');
    expect((await client.request().response()).body).toHaveLength(bytes);
    expect(dataRecords(tap.received())).toBe(1);
  });

  it('goes on for a client that takes its answer slowly, and ends for one that takes nothing', async () => {
    const { agent, over } = await startWithTls({ timeouts: { bodyIdle: '1500ms' } });
    const { socket, client } = await over();
    socket.removeAllListeners('data');
    socket.pause();
    client.request();
    const stream = await agent.next();
    stream.answer('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked', '', 'more');
    await fill(stream);
    const piece = Buffer.alloc(16_384, 'x');
    stream.onRoom = () => {
      while (stream.send(piece));
    };
    stream.onRoom();
    // For several times the limit something is taken now and then.
    let taken = 0;
    for (const end = performance.now() + 4_500; performance.now() < end;) {
      await wait(100);
      for (let bytes = 0; bytes < 2_000_000;) {
        const chunk = socket.read() as Buffer | null;
        if (chunk === null) break;
        bytes += chunk.length;
        taken += chunk.length;
      }
    }
    expect(stream.reset).toBeUndefined();
    expect(taken).toBeGreaterThan(1_000_000);
    await eventually(() => stream.reset);
  });
});

describe('the certificate', () => {
  it.each([
    ['app.test', 'DNS:app.test'],
    ['www.shop.test', 'DNS:*.shop.test'],
    ['WWW.Shop.test', 'DNS:*.shop.test'],
    ['else.test', 'DNS:app.test'],
    [undefined, 'DNS:app.test'],
  ])('for the server name %s is that of %s', async (servername, names) => {
    const { over } = await startWithTls();
    const named = servername === undefined ? { servername: '' } : { servername };
    const { socket } = await over({ ...named, rejectUnauthorized: false });
    expect(socket.getPeerX509Certificate()?.subjectAltName).toBe(names);
  });

  it('is one of two for the same names, by what the client knows, and never another name’s', async () => {
    const { over } = await startWithTls({}, { certificates: [shop, rsa, both[0], both[1]] });
    const shown = async (servername: string, ciphers: string) => {
      const tls = { servername, ciphers, maxVersion: 'TLSv1.2' as const, rejectUnauthorized: false };
      const { socket } = await over(tls);
      const certificate = socket.getPeerX509Certificate()!;
      return [certificate.subjectAltName, certificate.publicKey.asymmetricKeyType];
    };
    const [ec, any] = ['ECDHE-ECDSA-AES128-GCM-SHA256', 'DEFAULT'];
    expect(await shown('both.test', ec)).toEqual(['DNS:both.test', 'ec']);
    expect(await shown('both.test', 'ECDHE-RSA-AES128-GCM-SHA256')).toEqual(['DNS:both.test', 'rsa']);
    expect(await shown('rsa.test', any)).toEqual(['DNS:rsa.test', 'rsa']);
    await expect(shown('rsa.test', ec)).rejects.toThrow('handshake failure');
  });

  it('that cannot be used keeps the edge from starting, and says which file it is', async () => {
    const broken = [{ cert: app.cert, key: shop.key }];
    await expect(startWithTls({}, { certificates: broken })).rejects.toThrow(
      `${shop.key}: is not the key of the certificate in ${app.cert}`,
    );
  });
});

describe('a handshake', () => {
  it.each([
    ['TLS 1.1', {}, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }],
    ['TLS 1.2 where 1.3 is wanted', { minVersion: '1.3' }, { maxVersion: 'TLSv1.2' }],
  ] as const)('of %s is refused', async (_, tls, options) => {
    const { edge, over } = await startWithTls({}, tls);
    expect(await refusalOf(over(options))).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
    expect(await edge.metric('culvert_edge_tls_handshakes_total', 'failed')).toBe(1);
  });

  it('that offers unknown application protocols alone is refused, one that offers none is HTTP/1.1', async () => {
    const { agent, over } = await startWithTls();
    expect(await refusalOf(over({ ALPNProtocols: ['imap'] }))).toBe(
      'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
    );
    const { socket, client } = await over({ ALPNProtocols: [] });
    expect(socket.alpnProtocol).toBe(false);
    agent.serve = (stream) => void stream.ok();
    expect((await client.request().response()).status).toBe(200);
  });

  it('that is never over is cut in time and counted', async () => {
    const { edge } = await startWithTls({ timeouts: { handshake: '300ms' } });
    const client = (await edge.connect()).send(await clientHello());
    await client.over();
    expect(await edge.metric('culvert_edge_tls_handshakes_total', 'failed')).toBe(1);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'of %s is shortened for who has been here before',
    async (version) => {
      const { edge, agent, over } = await startWithTls();
      agent.serve = (stream) => void stream.ok();
      const options = { maxVersion: version };
      const first = await over(options);
      await first.client.request().response();
      const again = await over({ ...options, session: await eventually(() => first.sessions.at(-1)) });
      expect(again.socket.isSessionReused()).toBe(true);
      await eventually(async () => (await edge.metric('culvert_edge_tls_handshakes_total', 'resumed')) === 1);
    },
  );

  it('is shortened at another edge of the same secret, and not at one of another', async () => {
    const here = await startWithTls({ secret: 'shared' });
    here.agent.serve = (stream) => void stream.ok();
    const { client, sessions } = await here.over();
    await client.request().response();
    const session = await eventually(() => sessions.at(-1));
    for (const [secret, reused] of [
      ['shared', true],
      ['another', false],
    ] as const) {
      const { over } = await startWithTls({ id: 'us-1', secret });
      expect((await over({ session })).socket.isSessionReused()).toBe(reused);
    }
  });

  it('that breaks after its end closes the connection', async () => {
    const { edge } = await startWithTls();
    const raw = connect({ host: '127.0.0.1', port: edge.httpPort });
    const socket = connectTls({ socket: raw, ca, servername: 'app.test' });
    socket.on('error', () => undefined);
    await once(socket, 'secureConnect');
    const closed = once(raw, 'close');
    raw.write(Buffer.from('1703030010aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'hex'));
    await closed;
  });
});

describe('a server name whose route passes TLS through', () => {
  const OWN = 'own.test';
  const routes = [
    { id: 'r1', tunnel: TUNNEL, hostname: HOSTNAME },
    { id: 'r2', tunnel: TUNNEL, hostname: OWN, tls: 'passthrough' as const },
  ];

  it('gets its bytes untouched, known to the edge or not, beside others that are terminated', async () => {
    const { edge, agent, router, over } = await startWithTls();
    router.change(routes);
    for (const round of ['asked for', 'known']) {
      const socket = connectTls({ host: '127.0.0.1', port: edge.httpPort, servername: OWN });
      socket.on('error', () => undefined);
      onTestFinished(() => void socket.destroy());
      const stream = await agent.next();
      await eventually(() => stream.bytes > 100);
      expect([round, stream.open.hostname, stream.parts[0]?.[0]]).toEqual([round, OWN, 0x16]);
      stream.stream.reset(ResetCode.Cancelled, 'enough');
      expect((await over()).socket.authorized).toBe(true);
    }
    expect(router.resolved.filter((name) => name === OWN)).toHaveLength(1);
  });

  it('is misdirected on a connection that was terminated for another name', async () => {
    const { agent, router, over } = await startWithTls();
    router.change(routes);
    const { client } = await over();
    const response = await client.request('GET /', [`Host: ${OWN}`]).response();
    expect([response.status, agent.streams]).toEqual([421, []]);
  });

  it('is terminated while nobody can be asked', async () => {
    const { router, over } = await startWithTls();
    router.goAway();
    const { client } = await over({ servername: 'own.test', rejectUnauthorized: false });
    const response = await client.request('GET /', ['Host: own.test']).response();
    expect(response.fields['x-culvert-error']).toBe('registry_unavailable');
  });

  it('is not waited for by a client that has gone', async () => {
    const { edge, router } = await startWithTls();
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    router.onResolve = () => {
      asked.resolve();
      return answer.promise;
    };
    const socket = connectTls({ host: '127.0.0.1', port: edge.httpPort, servername: OWN });
    socket.on('error', () => undefined);
    await asked.promise;
    socket.destroy();
    answer.resolve();
    await eventually(async () => (await edge.metric('culvert_edge_connections', '')) === 0);
  });
});
