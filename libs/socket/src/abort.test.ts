import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { abort } from './index.ts';

/** Both ends of a connection, half-open where one of them has ended. */
async function connection(): Promise<{ readonly near: Socket; readonly far: Socket }> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const [[near]] = (await Promise.all([once(server, 'connection'), once(far, 'connect')])) as [
    [Socket],
    unknown,
  ];
  onTestFinished(() => void (near.destroy(), far.destroy(), server.close()));
  return { near, far };
}

const code = async (socket: Socket): Promise<unknown> => {
  const [error] = (await once(socket.resume(), 'error')) as [NodeJS.ErrnoException];
  return error.code;
};

it('an aborted socket is closed, and the other side sees a reset', async () => {
  const { near, far } = await connection();
  const seen = code(far);
  abort(near);
  await once(near, 'close');
  expect(await seen).toBe('ECONNRESET');
});

it.each([
  ['at once', (then: () => void) => then()],
  ['in the same turn', (then: () => void) => queueMicrotask(then)],
  ['a turn later', (then: () => void) => void setImmediate(then)],
])('one that was ended before, %s, is closed and reset like any other', async (_, soon) => {
  const { near, far } = await connection();
  const seen = code(far);
  const closed = once(near, 'close');
  near.end();
  soon(() => abort(near));
  await closed;
  // The end has gone out: only a write finds out that nobody is there.
  far.write('anybody?');
  expect(['ECONNRESET', 'EPIPE']).toContain(await seen);
});

it('one that was ended with more to write than the other side reads is reset without waiting', async () => {
  const { near, far } = await connection();
  far.pause();
  near.end(Buffer.alloc(50_000_000));
  const closed = once(near, 'close');
  abort(near);
  await closed;
  const [error] = (await once(far.resume(), 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ECONNRESET');
});
