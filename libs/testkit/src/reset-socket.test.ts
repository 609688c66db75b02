import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { resetSocket } from './reset-socket.ts';

it.each([false, true])('a reset closes a connection, also right after its end: %s', async (ended) => {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const near = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
  const [[far]] = (await Promise.all([once(server, 'connection'), once(near, 'connect')])) as [
    [Socket],
    unknown,
  ];
  onTestFinished(() => void (far.destroy(), server.close()));
  const closed = once(near, 'close');
  if (ended) near.end();
  resetSocket(near);
  await closed;
  expect(near.destroyed).toBe(true);
});
