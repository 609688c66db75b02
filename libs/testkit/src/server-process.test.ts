import { expect, it } from 'vitest';
import { NeverHappenedError, eventually } from './eventually.ts';
import { startNats } from './nats-server.ts';
import { startRedis } from './redis-server.ts';
import { ServerProcess, ServerStartError } from './server-process.ts';

it('a started redis-server is ready and keeps its port over a restart', async () => {
  const redis = await startRedis();
  const first = redis.process.pid;
  await redis.process.stop('SIGKILL');
  expect(redis.process.pid).toBeUndefined();
  await redis.process.start();
  expect(redis.process.pid).not.toBe(first);
  expect(redis.url).toBe(`redis://127.0.0.1:${redis.process.port}`);
  await redis.remove();
});

it('a frozen server can still be stopped', async () => {
  const nats = await startNats();
  nats.process.pause();
  await nats.process.stop();
  expect(nats.process.pid).toBeUndefined();
});

it('a server that exits at once fails the start with its output', async () => {
  const program = { command: 'nats-server', args: () => ['--no-such-flag'], greeting: '', expect: 'INFO ' };
  await expect(ServerProcess.start(program)).rejects.toBeInstanceOf(ServerStartError);
});

it('eventually gives the last error as the cause when the time is over', async () => {
  const cause = new RangeError('still wrong');
  const waiting = eventually(() => Promise.reject<boolean>(cause), { timeoutMs: 30 });
  await expect(waiting).rejects.toMatchObject({ name: NeverHappenedError.name, cause });
});
