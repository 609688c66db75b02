import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { eventually } from './eventually.ts';
import { TcpProxy } from './tcp-proxy.ts';

interface End {
  readonly socket: Socket;
  received: string;
  ended: boolean;
  error: string | undefined;
}

function watch(socket: Socket): End {
  const end: End = { socket, received: '', ended: false, error: undefined };
  socket.on('data', (chunk: Buffer) => (end.received += chunk.toString()));
  socket.once('end', () => (end.ended = true));
  socket.once('error', (error: NodeJS.ErrnoException) => (end.error = error.code));
  return end;
}

/** A path to a server, and how to open connections over it. */
async function startPath() {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await TcpProxy.start({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  const sockets: Socket[] = [];
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await proxy.stop();
    server.close();
  });
  const open = async (): Promise<{ near: End; far: End }> => {
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const client = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true });
    const [far] = await accepted;
    sockets.push(client, far);
    return { near: watch(client), far: watch(far) };
  };
  return { proxy, open };
}

it('passes bytes and ends both ways', async () => {
  const { proxy, open } = await startPath();
  const { near, far } = await open();
  near.socket.end('up');
  await eventually(() => far.received === 'up' && far.ended);
  expect(near.ended).toBe(false);
  far.socket.end('down');
  await eventually(() => near.received === 'down' && near.ended && proxy.connections === 0);
});

it('a cut path resets what runs and what is new, until it heals', async () => {
  const { proxy, open } = await startPath();
  const { near, far } = await open();
  proxy.cut();
  await eventually(() => near.error === 'ECONNRESET' && far.error === 'ECONNRESET');
  const late = watch(connect(proxy.port, '127.0.0.1'));
  await eventually(() => late.error === 'ECONNRESET');
  proxy.heal();
  const next = await open();
  next.near.socket.write('again');
  await eventually(() => next.far.received === 'again');
});

it('a black hole swallows one direction only, and what was sent arrives in order when it heals', async () => {
  const { proxy, open } = await startPath();
  const { near, far } = await open();
  proxy.blackHole('up');
  near.socket.write('one ');
  far.socket.write('down');
  await eventually(() => near.received === 'down');
  near.socket.end('two');
  expect([far.received, far.ended]).toEqual(['', false]);
  proxy.heal();
  await eventually(() => far.received === 'one two' && far.ended);
});

it('delays, and the order stays', async () => {
  const { proxy, open } = await startPath();
  const { near, far } = await open();
  proxy.delay(80);
  const since = performance.now();
  for (const word of ['a', 'b', 'c']) near.socket.write(word);
  await eventually(() => far.received === 'abc');
  expect(performance.now() - since).toBeGreaterThan(75);
});

it('limits the rate of all connections together', async () => {
  const { proxy, open } = await startPath();
  const [one, two] = [await open(), await open()];
  proxy.limit(200_000);
  const since = performance.now();
  for (const { near } of [one, two]) near.socket.write('x'.repeat(30_000));
  await eventually(() => one.far.received.length + two.far.received.length === 60_000);
  expect(performance.now() - since).toBeGreaterThan(250);
});
