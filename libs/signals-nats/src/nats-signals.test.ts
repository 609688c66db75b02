import { NoRespondersError, SignalsDownError } from '@culvert/signals';
import { signalsContract } from '@culvert/signals/contract';
import { eventually, freePort, startNats } from '@culvert/testkit';
import type { NatsServer } from '@culvert/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { connectNats } from './nats-signals.ts';
import type { NatsSignals, NatsSignalsOptions } from './nats-signals.ts';

let shared: NatsServer;
let prefix = 0;
beforeAll(async () => void (shared = await startNats()));
afterAll(() => shared.process.stop());
afterEach(() => void (prefix += 1));

signalsContract('NatsSignals', () => connected(shared.url));

describe('NatsSignals', () => {
  it('two prefixes on one server do not hear each other', async () => {
    const [a, b] = [await connected(shared.url), await connected(shared.url, { prefix: 'other' })];
    a.respond('name', () => 'a');
    b.respond('name', () => 'b');
    expect(await a.request('name', null, { timeoutMs: 5_000 })).toBe('a');
    expect(await b.request('name', null, { timeoutMs: 5_000 })).toBe('b');
  });

  it('subscriptions work again after the server was killed and started again', async () => {
    const server = await ownServer();
    const [a, b] = [await connected(server.url), await connected(server.url)];
    const states: string[] = [];
    a.onState((state) => states.push(state));
    b.respond('before', () => 'before');
    await answers(a, 'before');

    await server.process.stop('SIGKILL');
    await eventually(() => a.state === 'disconnected' && b.state === 'disconnected');
    await expect(a.request('before', null, { timeoutMs: 5_000 })).rejects.toBeInstanceOf(SignalsDownError);
    a.publish('before', 'dropped without an error');
    b.respond('during', () => 'during');

    await server.process.start();
    await eventually(() => a.state === 'connected' && b.state === 'connected', { timeoutMs: 15_000 });
    await answers(a, 'before');
    await answers(a, 'during');
    expect(states).toEqual(['disconnected', 'connected']);
  });

  it('a server that goes silent is noticed within six seconds, and what was asked fails then', async () => {
    const server = await ownServer();
    const [a, b] = [await connected(server.url), await connected(server.url)];
    b.respond('slow', () => new Promise(() => undefined));
    await eventually(async () => {
      const asking = a.request('slow', null, { timeoutMs: 50 });
      return asking.catch((error: unknown) => !(error instanceof NoRespondersError));
    });
    const asking = a.request('slow', null, { timeoutMs: 60_000 });
    server.process.pause();
    const started = performance.now();
    await expect(asking).rejects.toBeInstanceOf(SignalsDownError);
    expect(performance.now() - started).toBeLessThan(6_000);
    server.process.resume();
    await eventually(() => a.state === 'connected', { timeoutMs: 15_000 });
  });

  it('it waits for a server that is not there yet', async () => {
    const port = await freePort();
    const failures: unknown[] = [];
    const a = open(`nats://127.0.0.1:${port}`, { onError: (error) => failures.push(error) });
    a.respond('early', () => 'early');
    await eventually(() => failures.length >= 2);
    expect(a.state).toBe('disconnected');
    const server = await startNats({ port });
    onTestFinished(() => server.process.stop());
    await eventually(() => a.state === 'connected', { timeoutMs: 15_000 });
    await answers(a, 'early');
  });

  it('it logs in with user and password of the address, and waits while they are wrong', async () => {
    const server = await ownServer(['--user', 'cul vert', '--pass', 'p@ss/word']);
    const address = `127.0.0.1:${server.process.port}`;
    const known = await connected(`nats://cul%20vert:p%40ss%2Fword@${address}`);
    expect(known.state).toBe('connected');
    const failures: unknown[] = [];
    const stranger = open(`nats://stranger:wrong@${address}`, { onError: (error) => failures.push(error) });
    await eventually(() => failures.length >= 3, { timeoutMs: 15_000 });
    expect(stranger.state).toBe('disconnected');
  });

  it('it moves to another server of its list', async () => {
    const [first, second] = [await ownServer(), await ownServer()];
    const a = await connected([first.url, second.url]);
    await first.process.stop();
    await eventually(() => hearsNobody(a));
    await first.process.start();
    await second.process.stop();
    await eventually(() => hearsNobody(a), { timeoutMs: 15_000 });
  });

  it('closing while no server is there ends at once', async () => {
    const a = open(`nats://127.0.0.1:${await freePort()}`);
    await a.close();
    expect(a.state).toBe('disconnected');
  });

  it('closing sends what was published before', async () => {
    const [a, b] = [await connected(shared.url), await connected(shared.url)];
    const heard: unknown[] = [];
    b.subscribe('last', (message) => heard.push(message));
    expect(await hearsNobody(b)).toBe(true);
    for (let at = 0; at < 1_000; at++) a.publish('last', at);
    await a.close();
    await eventually(() => heard.length === 1_000);
  });
});

function open(servers: string | readonly string[], options: Partial<NatsSignalsOptions> = {}): NatsSignals {
  const signals = connectNats({ servers, prefix: `test${prefix}`, name: 'test', ...options });
  onTestFinished(() => signals.close());
  return signals;
}

async function connected(
  servers: string | readonly string[],
  options: Partial<NatsSignalsOptions> = {},
): Promise<NatsSignals> {
  const signals = open(servers, options);
  await eventually(() => signals.state === 'connected', { timeoutMs: 15_000 });
  return signals;
}

async function ownServer(args: readonly string[] = []): Promise<NatsServer> {
  const server = await startNats({ args });
  onTestFinished(() => server.process.stop());
  return server;
}

/** The server learns of a responder a moment after it was made. */
function answers(signals: NatsSignals, subject: string): Promise<true> {
  return eventually(async () => (await signals.request(subject, null, { timeoutMs: 5_000 })) === subject);
}

/** Whether a server says that there is no responder, which it does after it has taken what came before. */
async function hearsNobody(signals: NatsSignals): Promise<boolean> {
  const asking = signals.request('nobody', null, { timeoutMs: 5_000 });
  return asking.then(
    () => false,
    (error: unknown) => error instanceof NoRespondersError,
  );
}
