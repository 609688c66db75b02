import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { once } from 'node:events';
import { INITIAL_WINDOW_BYTES, SocketCarrier, WebSocketCarrier } from '@culvert/link';
import { eventually } from '@culvert/testkit';
import { PREFACE } from '@culvert/wire';
import { WebSocket } from 'ws';
import { describe, expect, it } from 'vitest';
import { makeCertificate } from '../testing/certificate.ts';
import { startInstallation, startWithAgent } from '../testing/edge-kit.ts';
import type { TestEdge } from '../testing/edge-kit.ts';
import { RawClient } from '../testing/raw-client.ts';

const certificate = makeCertificate();
const tls = { tls: { certificates: [{ cert: certificate.certFile, key: certificate.keyFile }] } };
const AGENTS_WITH_TLS = { agents: { listen: '127.0.0.1:0', ...tls } };

async function overTls(port: number): Promise<SocketCarrier> {
  const socket = connectTls({ host: '127.0.0.1', port, ca: certificate.cert, servername: 'app.test' });
  await once(socket, 'secureConnect');
  return new SocketCarrier(socket);
}

async function overWebSocket(url: string): Promise<WebSocketCarrier> {
  const webSocket = new WebSocket(url, 'culvert.v1', { ca: certificate.cert, perMessageDeflate: false });
  await once(webSocket, 'open');
  return new WebSocketCarrier(webSocket, {});
}

describe('a link', () => {
  it.each([
    [
      'plain TCP',
      (edge: TestEdge) => Promise.resolve(new SocketCarrier(connect(edge.agentsPort, '127.0.0.1'))),
    ],
    ['TLS', (edge: TestEdge) => overTls(edge.agentsPort)],
    ['WebSocket', (edge: TestEdge) => overWebSocket(`ws://127.0.0.1:${edge.agentsPort}/culvert/link`)],
    [
      'WebSocket within TLS',
      (edge: TestEdge) => overWebSocket(`wss://127.0.0.1:${edge.agentsPort}/culvert/link?a=b`),
    ],
  ])('over %s serves at the one port', async (_, carrierTo) => {
    const { edge } = await startInstallation(AGENTS_WITH_TLS);
    const agent = await edge.attach({ carrier: await carrierTo(edge) });
    const client = await edge.connect();
    agent.serve = (stream) => void stream.ok('x'.repeat(200_000));
    expect((await client.request().response()).body).toHaveLength(200_000);
    agent.serve = () => undefined;
    client.request('POST /', ['Content-Length: 300000'], 'y'.repeat(300_000));
    const stream = await agent.next().then(() => agent.next());
    await stream.whole();
    expect(stream.bytes).toBe(300_000);
    expect(agent.welcome!.body).toMatchObject({ edge: 'eu-1', window: INITIAL_WINDOW_BYTES });
  });
});

describe('what is no link', () => {
  it.each([
    ['garbage', Buffer.from('hello there, edge')],
    ['a wrong preface', Buffer.from('CULVERT?........')],
    ['the preface with garbage behind it', Buffer.from(`${PREFACE}${'\xff'.repeat(20)}`, 'latin1')],
    ['TLS where none is configured', Buffer.from('160301020001', 'hex')],
    ['nothing but a letter', Buffer.from('C')],
    ['a request that never ends', Buffer.from('GET /culvert/link HTTP/1.1\r\nHost: x\r\n')],
    ['a request that hardly begins', Buffer.from('G')],
  ])('(%s) is closed in time and counted', async (_, bytes) => {
    const { edge } = await startInstallation({ timeouts: { hello: '200ms' } });
    const client = (await RawClient.connect(edge.agentsPort)).send(bytes);
    await client.over();
    await eventually(async () => (await edge.metric('culvert_edge_garbage_total')) === 1);
  });

  it('(an unfinished TLS handshake) is closed in time', async () => {
    const { edge } = await startInstallation({ timeouts: { hello: '200ms' }, ...AGENTS_WITH_TLS });
    const client = (await RawClient.connect(edge.agentsPort)).send(Buffer.from('160301020001', 'hex'));
    await client.over();
    expect(await edge.metric('culvert_edge_garbage_total')).toBe(1);
  });

  it.each([
    ['another path', 'GET /else HTTP/1.1\r\nHost: x\r\n\r\n', /^HTTP\/1\.1 404 /],
    [
      'an upgrade at another path',
      'GET /else HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      /^$/,
    ],
    [
      'an upgrade at no path',
      'GET // HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      /^$/,
    ],
    [
      'an upgrade without a key',
      'GET /culvert/link HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      /^HTTP\/1\.1 400 /,
    ],
    ['a broken request', 'GET nonsense\r\n\r\n', /^(?:HTTP\/1\.1 400 |$)/],
  ])('(%s) is answered or closed, and the listener goes on', async (_, request, answer) => {
    const { edge } = await startInstallation();
    const client = (await RawClient.connect(edge.agentsPort)).send(request);
    await client.over();
    expect(client.text).toMatch(answer);
    expect((await edge.attach()).welcome?.body.edge).toBe('eu-1');
  });

  it('(a WebSocket with text, or with another preface) is closed', async () => {
    const { edge } = await startInstallation();
    for (const message of ['text', Buffer.from('CULVERT?')]) {
      const webSocket = new WebSocket(`ws://127.0.0.1:${edge.agentsPort}/culvert/link`, 'culvert.v1');
      webSocket.on('error', () => undefined);
      await once(webSocket, 'open');
      webSocket.send(message);
      await once(webSocket, 'close');
    }
    await eventually(async () => (await edge.metric('culvert_edge_garbage_total')) === 2);
  });
});

it('an attached link is not cut by the time that a hello may take', async () => {
  const { agent, client } = await startWithAgent({ timeouts: { hello: '700ms' } });
  client.request();
  const stream = await agent.next();
  // A tick is 100 ms.
  await eventually(() => stream.stream.ticks > 8);
  stream.ok();
  expect((await client.response()).status).toBe(200);
});
