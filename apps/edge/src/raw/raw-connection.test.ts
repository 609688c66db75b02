import { createServer } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { RoutePolicy } from '@culvert/signals';
import { eventually, freePort } from '@culvert/testkit';
import { Protocol, ResetCode } from '@culvert/wire';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bridge } from '../testing/bridge.ts';
import { makeCertificate } from '../testing/certificate.ts';
import { startInstallation, startWithAgent } from '../testing/edge-kit.ts';
import { patternedBytes } from '../testing/patterned-bytes.ts';
import { RawClient } from '../testing/raw-client.ts';
import { TUNNEL } from '../testing/router-double.ts';

const certificate = makeCertificate();

/** A TLS service that answers each line in capitals. */
async function startTlsService(): Promise<number> {
  const server = createTlsServer(certificate, (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => socket.write(chunk.toString().toUpperCase()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function tlsTo(port: number, servername: string): Promise<TLSSocket> {
  const socket = connectTls({ host: '127.0.0.1', port, servername, ca: certificate.cert });
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined);
  await Promise.race([once(socket, 'secureConnect'), once(socket, 'close')]).catch(() => undefined);
  return socket;
}

/** An edge with one port route to the agent's tunnel. */
async function startWithPort(policy: RoutePolicy = {}) {
  const port = await freePort();
  const parts = await startWithAgent();
  parts.router.change([...parts.router.routes, { id: 'p1', tunnel: TUNNEL, port, ...policy }], {
    ports: true,
  });
  await eventually(() => parts.edge.lines.some(({ msg }) => msg === 'port route bound'));
  return { ...parts, port };
}

describe('TLS at an entry point', () => {
  it('is passed through by its server name, untouched: the client verifies the service behind the agent', async () => {
    const { edge, agent } = await startWithAgent();
    const service = await startTlsService();
    agent.serve = (stream) => void bridge(stream, service);
    const socket = await tlsTo(edge.httpPort, 'app.test');
    expect(socket.authorized).toBe(true);
    socket.write('hello');
    expect(String((await once(socket, 'data'))[0])).toBe('HELLO');
    expect(agent.streams[0]!.open).toMatchObject({ protocol: Protocol.Tcp, hostname: 'app.test', head: '' });
    socket.end();
    await agent.streams[0]!.whole();
  });

  it('without a server name or to an unknown one is closed', async () => {
    const { edge, agent } = await startWithAgent();
    expect((await tlsTo(edge.httpPort, '')).authorized).toBe(false);
    expect((await tlsTo(edge.httpPort, 'nowhere.test')).authorized).toBe(false);
    expect(agent.streams).toHaveLength(0);
    expect(await edge.metric('culvert_edge_garbage_total')).toBe(1);
    expect(await edge.metric('culvert_edge_refusals_total', 'unknown_hostname')).toBe(1);
  });
});

describe('a port route', () => {
  it('carries bytes both ways, whoever speaks first', async () => {
    const { agent, port } = await startWithPort();
    agent.serve = (stream) => void stream.send('220 hello\r\n');
    const client = await RawClient.connect(port);
    await client.hear('220 hello\r\n');
    client.send('EHLO\r\n');
    await eventually(() => agent.streams[0]!.text === 'EHLO\r\n');
    expect(agent.streams[0]!.open).toMatchObject({ protocol: Protocol.Tcp, hostname: '', head: '' });
  });

  it('delivers what the client said before any agent had the connection', async () => {
    const { agent, port } = await startWithPort();
    const client = await RawClient.connect(port);
    client.send('first ').send('second');
    client.socket.end();
    const stream = await (await agent.next()).whole();
    expect(stream.text).toBe('first second');
    stream.send('answer', 'last');
    await client.hear('answer');
    expect(await client.over()).toBe('cleanly');
  });

  it('does not look at the bytes', async () => {
    const { agent, port } = await startWithPort();
    const client = await RawClient.connect(port);
    client.send('GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n');
    const stream = await agent.next();
    await eventually(() => stream.text.endsWith('\r\n\r\n'));
    expect(stream.text).toBe('GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n');
  });

  it.each([
    ['the client', (client: RawClient) => client.socket.end()],
    ['the service', (_: RawClient, end: () => void) => end()],
  ])('goes on in one direction after the end of the other, by %s', async (side, end) => {
    const { agent, port } = await startWithPort();
    const client = await RawClient.connect(port);
    const stream = await agent.next();
    stream.send('hello');
    await client.hear('hello');
    end(client, () => stream.stream.sendEnd());
    if (side === 'the client') {
      await stream.whole();
      stream.send(' again');
      await client.hear('hello again');
    } else {
      await eventually(() => client.ended);
      client.send('still');
      await eventually(() => stream.text === 'still');
    }
  });

  it('is tried at another agent while nothing was delivered, with all that the client has said', async () => {
    const { edge, agent, port } = await startWithPort();
    const other = await edge.attach();
    agent.serve = () => ResetCode.NotDelivered;
    other.serve = () => (agent.streams.length === 0 ? ResetCode.NotDelivered : undefined);
    const client = await RawClient.connect(port);
    client.send('hello');
    const whole = () => [...agent.streams, ...other.streams].find((stream) => stream.text === 'hello');
    agent.serve = () => (other.streams.length === 0 ? ResetCode.NotDelivered : undefined);
    await eventually(whole);
    expect(agent.streams.length + other.streams.length).toBe(2);
  });

  it('resets the client when no agent takes it, and when its agent is lost', async () => {
    const { agent, port } = await startWithPort();
    const client = await RawClient.connect(port);
    const stream = await agent.next();
    stream.send('hello');
    await client.hear('hello');
    agent.link.close(1, 'lost');
    expect(await client.over()).toBe('by reset');
    await eventually(() => agent.end);
    expect(await (await RawClient.connect(port)).over()).toBe('by reset');
  });

  it('resets the stream when the client resets', async () => {
    const { agent, port } = await startWithPort();
    const client = await RawClient.connect(port);
    const stream = await agent.next();
    client.socket.resetAndDestroy();
    expect((await eventually(() => stream.reset)).code).toBe(ResetCode.Cancelled);
  });

  it('resets both when the agent answers with a head', async () => {
    const { agent, port } = await startWithPort();
    const client = await RawClient.connect(port);
    const stream = await agent.next();
    stream.answer('HTTP/1.1 200 OK');
    expect(await client.over()).toBe('by reset');
    expect((await eventually(() => stream.reset)).code).toBe(ResetCode.Protocol);
  });

  it('keeps no more than a buffer of a client whose agent takes bytes and never says that it has taken the stream', async () => {
    const { edge, agent, port } = await startWithPort();
    agent.serve = (stream) => void (stream.stream.acknowledgesItself = false);
    const client = await RawClient.connect(port);
    client.send(Buffer.alloc(40_000_000));
    const stream = await agent.next();
    await eventually(() => stream.stream.ticks > 3);
    const taken = stream.bytes;
    // One read of the socket, or two.
    expect(taken).toBeLessThan(300_000);
    agent.serve = (other) => void other.ok();
    for (let at = 0; at < 20; at++) await (await edge.connect()).request().response();
    expect(stream.bytes).toBe(taken);
    stream.stream.accept();
    await eventually(() => stream.bytes === 40_000_000, { timeoutMs: 20_000 });
  });

  it('carries megabytes both ways at once', async () => {
    const { agent, port } = await startWithPort();
    const echo = createServer((socket) => void socket.pipe(socket)).listen(0, '127.0.0.1');
    onTestFinished(() => void echo.close());
    await once(echo, 'listening');
    agent.serve = (stream) => void bridge(stream, (echo.address() as AddressInfo).port);
    const client = await RawClient.connect(port);
    const bytes = patternedBytes(3_000_000);
    client.send(bytes);
    client.socket.end();
    await eventually(() => client.ended, { timeoutMs: 20_000 });
    expect(client.received.equals(bytes)).toBe(true);
  });

  it('whose port is taken is warned about, told to the routers, and holds up no other', async () => {
    const { edge, router, agent } = await startWithAgent();
    const blocker = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void blocker.close());
    await once(blocker, 'listening');
    const taken = (blocker.address() as AddressInfo).port;
    const free = await freePort();
    router.change(
      [...router.routes, { id: 'p1', tunnel: TUNNEL, port: taken }, { id: 'p2', tunnel: TUNNEL, port: free }],
      { ports: true },
    );
    await eventually(() => edge.lines.some(({ msg, port }) => msg === 'port route bound' && port === free));
    expect(edge.lines.find(({ level }) => level === 'warn')).toMatchObject({ port: taken, tunnel: TUNNEL });
    agent.serve = (stream) => void stream.send('hello');
    await (await RawClient.connect(free)).hear('hello');
    await eventually(() =>
      router.leases.some(({ warnings }) => warnings.some((text) => text.includes(String(taken)))),
    );
  });

  it('has the bandwidth of its route, both ways', async () => {
    const { agent, port } = await startWithPort({ bandwidth: { up: 100_000, down: 50_000 } });
    const client = await RawClient.connect(port);
    const began = performance.now();
    client.send('u'.repeat(100_000));
    const stream = await agent.next();
    stream.send('d'.repeat(50_000));
    await eventually(() => stream.bytes === 100_000 && client.received.length === 50_000);
    expect(performance.now() - began).toBeGreaterThan(700);
  });

  it('goes by its former policy while the new one cannot be read, and says so', async () => {
    const { edge, router, agent, port } = await startWithPort();
    router.change([{ id: 'p1', tunnel: TUNNEL, port, bandwidth: 'much' }], { ports: true });
    await eventually(() => edge.lines.some(({ msg }) => msg === 'port route passed over'));
    agent.serve = (stream) => void stream.send('hello');
    await (await RawClient.connect(port)).hear('hello');
  });

  it('that is gone accepts no more, and one that leads elsewhere does so at once', async () => {
    const { edge, router, agent, port } = await startWithPort();
    const other = await edge.attach({ tunnel: '7c9e6679-7425-40de-944b-e07fc1f90ae7' });
    router.change([{ id: 'p1', tunnel: other.hello.tunnel, port }], { ports: true });
    await eventually(async () => {
      await RawClient.connect(port);
      return other.streams.length > 0;
    });
    router.change([], { ports: true });
    await eventually(async () => {
      const client = await RawClient.connect(port);
      return client.socket.errored !== null;
    });
    expect(agent.end).toBeUndefined();
  });

  it('keeps its ports while no router can be asked', async () => {
    const { router, agent, port } = await startWithPort();
    router.goAway();
    router.change([], { ports: true });
    agent.serve = (stream) => void stream.send('hello');
    await (await RawClient.connect(port)).hear('hello');
  });
});

it('garbage at an entry point is closed and counted, and the edge goes on', async () => {
  const entryPoints = [{ listen: '127.0.0.1:0', http2: false }];
  const { edge, agent } = await startWithAgent({ entryPoints, timeouts: { sniff: '200ms' } });
  const hello = Buffer.from('160301000501000001ff', 'hex');
  const garbage = [
    Buffer.from([0, 1, 2, 3]),
    Buffer.from('@@@@\r\n'),
    hello,
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    Buffer.from('PRI THE BROKEN PREFACE\r\n\r\n'),
    Buffer.from('PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\n'),
  ];
  for (const bytes of garbage) {
    const client = (await edge.connect()).send(bytes);
    await client.over();
    expect(client.text).toBe('');
  }
  await eventually(async () => (await edge.metric('culvert_edge_garbage_total')) === garbage.length);
  agent.serve = (stream) => void stream.ok();
  expect((await (await edge.connect()).request().response()).status).toBe(200);
});

it('half a TLS hello is closed in time', async () => {
  const { edge } = await startInstallation({ timeouts: { sniff: '100ms' } });
  const client = (await edge.connect()).send(Buffer.from('1603010200', 'hex'));
  expect(await client.over()).toBeDefined();
  expect(await edge.metric('culvert_edge_garbage_total')).toBe(1);
});
