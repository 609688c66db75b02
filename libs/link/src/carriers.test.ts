import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '@culvert/testkit';
import {
  MAX_MESSAGE_BYTES,
  PREFACE,
  PREFACE_BYTES,
  WEBSOCKET_PATH,
  WEBSOCKET_SUBPROTOCOL,
} from '@culvert/wire';
import { own } from '@culvert/socket';
import { WebSocket, WebSocketServer } from 'ws';
import { carrierContract } from './carrier.contract.ts';
import type { ConnectedCarriers } from './carrier.contract.ts';
import { SocketCarrier } from './socket-carrier.ts';
import { WebSocketCarrier } from './websocket-carrier.ts';

const folder = mkdtempSync(join(tmpdir(), 'culvert-link-'));
const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
const ecKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];

beforeAll(() => {
  execFileSync('openssl', ['req', '-x509', ...ecKey, ...subject, '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function closing(server: Server, ...sockets: Socket[]): () => Promise<void> {
  return async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
}

async function tcp(): Promise<ConnectedCarriers> {
  const server = createServer();
  const port = await listening(server);
  const client = connect(port, '127.0.0.1');
  const [[accepted]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [
    [Socket],
    unknown,
  ];
  return {
    dialer: new SocketCarrier(client),
    listener: new SocketCarrier(accepted),
    close: closing(server, client, accepted),
  };
}

async function tls(): Promise<ConnectedCarriers> {
  const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) });
  const port = await listening(server);
  const client = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca: readFileSync(cert) });
  const [[accepted]] = (await Promise.all([
    once(server, 'secureConnection'),
    once(client, 'secureConnect'),
  ])) as [[Socket], unknown];
  return {
    dialer: new SocketCarrier(client),
    listener: new SocketCarrier(accepted),
    close: closing(server, client, accepted),
  };
}

async function webSocket(): Promise<ConnectedCarriers> {
  const server = createHttpServer();
  const options = { server, path: WEBSOCKET_PATH, maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false };
  const webSockets = new WebSocketServer({ ...options, handleProtocols: () => WEBSOCKET_SUBPROTOCOL });
  const port = await listening(server);
  const client = new WebSocket(`ws://127.0.0.1:${port}${WEBSOCKET_PATH}`, WEBSOCKET_SUBPROTOCOL, {
    perMessageDeflate: false,
  });
  const clientSocket = once(client, 'upgrade') as Promise<[{ socket: Socket }]>;
  const [[accepted, request]] = (await Promise.all([
    once(webSockets, 'connection'),
    once(client, 'open'),
  ])) as [[WebSocket, { socket: Socket }], unknown];
  const [{ socket }] = await clientSocket;
  return {
    dialer: new WebSocketCarrier(client, socket),
    listener: new WebSocketCarrier(accepted, request.socket),
    close: closing(server, socket, request.socket),
  };
}

/** The preface, and perhaps what came with it, is read from the socket before it becomes a carrier. */
async function sniffed(): Promise<ConnectedCarriers> {
  const { dialer, close, sockets } = await sniffing();
  return { dialer, listener: await sockets, preface: 'read', close };
}

async function sniffing() {
  const server = createServer();
  const port = await listening(server);
  const client = connect(port, '127.0.0.1');
  const [[accepted]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [
    [Socket],
    unknown,
  ];
  client.write(PREFACE);
  const sockets = new Promise<SocketCarrier>((resolve) => {
    own(accepted, {
      onSocketRead: (bytes, buffer) => {
        resolve(new SocketCarrier(accepted, Buffer.from(buffer.subarray(PREFACE_BYTES, bytes))));
        return false;
      },
      onSocketDrain: () => undefined,
      onSocketEnd: () => undefined,
      onSocketClose: () => undefined,
    });
    accepted.resume();
  });
  return {
    dialer: skippingFirstWrite(new SocketCarrier(client)),
    sockets,
    close: closing(server, client, accepted),
  };
}

/** The preface has gone out already. */
function skippingFirstWrite(carrier: SocketCarrier): SocketCarrier {
  const write = carrier.write.bind(carrier);
  carrier.write = (bytes, done) => {
    expect(bytes.toString('latin1')).toBe(PREFACE);
    carrier.write = write;
    done();
  };
  return carrier;
}

carrierContract('TCP', tcp);
carrierContract('TLS', tls);
carrierContract('WebSocket', webSocket);
carrierContract('a socket whose first bytes were sniffed', sniffed);

it('the rest of what was sniffed comes first', async () => {
  const server = createServer();
  const client = connect(await listening(server), '127.0.0.1');
  const [accepted] = (await once(server, 'connection')) as [Socket];
  let text = '';
  const onBytes = (buffer: Buffer, start: number, end: number) =>
    (text += buffer.toString('latin1', start, end));
  new SocketCarrier(accepted, Buffer.from('rest ')).start({
    onBytes,
    onDrain: () => undefined,
    onClose: () => undefined,
  });
  client.write('more');
  await eventually(() => text === 'rest more');
  await closing(server, client, accepted)();
});

it('a carrier over a socket leaves no timer behind once it has closed', async () => {
  const { dialer, listener, close } = await webSocket();
  const { dialer: plainDialer, listener: plainListener, close: closePlain } = await tcp();
  const closed: string[] = [];
  const sink = (name: string) => ({
    onBytes: () => undefined,
    onDrain: () => undefined,
    onClose: () => void closed.push(name),
  });
  dialer.start(sink('a'));
  listener.start(sink('b'));
  plainDialer.start(sink('c'));
  plainListener.start(sink('d'));
  dialer.end();
  plainDialer.end();
  await eventually(() => closed.length === 4);
  await close();
  await closePlain();
  expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length).toBeLessThanOrEqual(1);
});

it('a text message closes a link over WebSocket', async () => {
  const server = createHttpServer();
  const port = await listening(server);
  let bytes = 0;
  let closed = false;
  new WebSocketServer({ server }).on('connection', (accepted, request) => {
    const sink = { onBytes: () => bytes++, onDrain: () => undefined, onClose: () => (closed = true) };
    new WebSocketCarrier(accepted, request.socket).start(sink);
  });
  const client = new WebSocket(`ws://127.0.0.1:${port}/`);
  await once(client, 'open');
  client.send('text');
  const [code] = (await once(client, 'close')) as [number];
  await eventually(() => closed);
  expect([bytes, code]).toEqual([0, 1003]);
  await new Promise((resolve) => server.close(resolve));
});
