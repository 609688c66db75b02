import { createHash } from 'node:crypto';
import { eventually } from '@culvert/testkit';
import { ResetCode } from '@culvert/wire';
import { describe, expect, it } from 'vitest';
import { makeAuthority } from '../testing/authority.ts';
import { startInstallation } from '../testing/edge-kit.ts';
import { Http2Client } from '../testing/http2-client.ts';
import { TUNNEL } from '../testing/router-double.ts';
import { connectOverTls } from '../testing/tls-client.ts';

const { authority } = makeAuthority();
const ca = authority.pem;
const certificates = [authority.issue('app', 'DNS:app.test'), authority.issue('shop', 'DNS:shop.test')];

async function startWithTls(more: object = {}) {
  const entryPoints = [{ listen: '127.0.0.1:0', tls: { certificates }, ...more }];
  const installation = await startInstallation({ entryPoints });
  const agent = await installation.edge.attach();
  const port = installation.edge.httpPort;
  const client = Http2Client.connect(port, { ca, servername: 'app.test' });
  return { ...installation, agent, client, port };
}

describe('HTTP/2 over TLS', () => {
  it('is agreed on by ALPN, and serves requests side by side', async () => {
    const { agent, client } = await startWithTls();
    agent.serve = (stream) => {
      expect(stream.head).toContain('X-Forwarded-Proto: https\r\n');
      stream.ok(/^GET (\S+)/.exec(stream.head)?.[1]);
    };
    const asked = ['/a', '/b', '/c'].map((path) => client.request({ ':path': path }));
    for (const [at, one] of asked.entries()) {
      expect((await one.response())[':status']).toBe(200);
      await one.hear(['/a', '/b', '/c'][at]!);
    }
    expect(client.session.alpnProtocol).toBe('h2');
  });

  it('carries megabytes both ways', async () => {
    const { agent, client } = await startWithTls();
    const digest = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');
    const body = Buffer.alloc(5_000_000, 'abcdefghijk');
    const asked = client.request({ ':method': 'POST' }, body);
    const stream = await (await agent.next()).whole();
    expect(digest(Buffer.concat(stream.parts))).toBe(digest(body));
    stream.answer(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}`, '', 'more');
    let at = 0;
    stream.onRoom = () => {
      for (let room = true; room && at < body.length; at += 60_000) {
        room = stream.send(body.subarray(at, at + 60_000), at + 60_000 >= body.length ? 'last' : 'more');
      }
    };
    stream.onRoom();
    await eventually(() => asked.ended);
    expect(digest(asked.bytes)).toBe(digest(body));
  });

  it('resets the stream whose response breaks off, and keeps the connection', async () => {
    const { agent, client } = await startWithTls();
    const asked = client.request();
    const stream = await agent.next();
    stream.answer('HTTP/1.1 200 OK\r\nContent-Length: 100', 'half', 'more');
    await asked.hear('half');
    stream.stream.reset(ResetCode.AgentLost, 'broke');
    await eventually(() => asked.closed);
    expect(asked.stream.rstCode).not.toBe(0);
    agent.serve = (other) => void other.ok();
    expect((await client.request().response())[':status']).toBe(200);
  });

  it('misdirects requests for hosts with another certificate, and tells of HSTS on all answers', async () => {
    const { agent, client, router } = await startWithTls({ hsts: { maxAge: 60 } });
    const hostnames = ['app.test', 'shop.test'];
    router.change(hostnames.map((hostname, at) => ({ id: `r${at}`, tunnel: TUNNEL, hostname })));
    agent.serve = (stream) => void stream.ok();
    const served = await client.request().response();
    expect(served).toMatchObject({ ':status': 200, 'strict-transport-security': 'max-age=60' });
    const coalesced = await client.request({ ':authority': 'shop.test' }).response();
    expect(coalesced).toMatchObject({
      ':status': 421,
      'x-culvert-error': 'misdirected',
      'strict-transport-security': 'max-age=60',
    });
  });

  it('is not offered where it is turned off', async () => {
    const { agent, port } = await startWithTls({ http2: false });
    const { socket, client } = await connectOverTls(port, { ca, ALPNProtocols: ['h2', 'http/1.1'] });
    expect(socket.alpnProtocol).toBe('http/1.1');
    agent.serve = (stream) => void stream.ok();
    expect((await client.request().response()).status).toBe(200);
  });

  it('ends with its connection for a client that breaks off below TLS', async () => {
    const { agent, port } = await startWithTls();
    const client = Http2Client.connect(port, { ca, servername: 'app.test' });
    client.request();
    const stream = await agent.next();
    client.session.destroy();
    await eventually(() => stream.reset);
  });
});

it('a request with prior knowledge in clear is redirected as one of HTTP/1.1 is', async () => {
  const { port } = await startWithTls({ redirectToHttps: true });
  const head = await Http2Client.connect(port).request({ ':path': '/a' }).response();
  expect(head).toMatchObject({ ':status': 308, location: 'https://app.test/a' });
});
