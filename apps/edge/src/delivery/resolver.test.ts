import { MemoryBus, MemorySignals } from '@culvert/signals';
import type { Route, Signals, SignalsState } from '@culvert/signals';
import { eventually } from '@culvert/testkit';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readyRoute } from './ready-route.ts';
import { Resolver } from './resolver.ts';
import { edgeTimeouts } from '../testing/edge-kit.ts';
import { HOSTNAME, RouterDouble, TUNNEL } from '../testing/router-double.ts';

// The coarse clock's timer and what it reads; messages travel in real time.
beforeAll(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }));
afterAll(() => void vi.useRealTimers());
const pass = (ms: number) => vi.advanceTimersByTime(ms + 200);

const passedOver: string[] = [];
const OPTIONS = {
  ready: (route: Route) => readyRoute(route, edgeTimeouts()),
  onPassedOver: ({ id }: Route, reason: string) => void passedOver.push(`${id}: ${reason}`),
};

function start() {
  const bus = new MemoryBus();
  const router = new RouterDouble(bus);
  const signals = new MemorySignals(bus);
  const resolver = new Resolver({ signals, ...OPTIONS });
  const tunnel = async (path = '/', hostname = HOSTNAME) =>
    (await resolver.resolve(hostname)).match(path)?.tunnel;
  /** Resolves once the resolver has heard of a change. */
  const forgotten = () => eventually(() => resolver.known(HOSTNAME) === undefined);
  return { router, signals, resolver, tunnel, forgotten };
}

describe('a hostname', () => {
  it('is asked for once and then known', async () => {
    const { router, resolver, tunnel } = start();
    expect(resolver.known(HOSTNAME)).toBeUndefined();
    expect(await tunnel()).toBe(TUNNEL);
    expect(resolver.known(HOSTNAME)?.match('/')?.tunnel).toBe(TUNNEL);
    expect(router.resolved).toEqual([HOSTNAME]);
  });

  it('is asked for once by all that miss it at the same time', async () => {
    const { router, tunnel } = start();
    expect(await Promise.all([tunnel(), tunnel(), tunnel()])).toEqual([TUNNEL, TUNNEL, TUNNEL]);
    expect(router.resolved).toHaveLength(1);
  });

  it('is fresh for a minute, one that does not exist for ten seconds', async () => {
    const { resolver, tunnel } = start();
    expect([await tunnel(), await tunnel('/', 'no.test')]).toEqual([TUNNEL, undefined]);
    pass(9_500);
    expect(resolver.known('no.test')).toBeDefined();
    pass(1_000);
    expect(resolver.known('no.test')).toBeUndefined();
    expect(resolver.known(HOSTNAME)).toBeDefined();
    pass(50_000);
    expect(resolver.known(HOSTNAME)).toBeUndefined();
  });
});

describe('a change of routes', () => {
  it.each([['app.test'], ['.app.test'], ['*.test'], ['.test'], ['*']])(
    'of %s makes a name below it be asked for again',
    async (pattern) => {
      const { router, tunnel, forgotten } = start();
      await tunnel();
      router.change([], { hostnames: [pattern] });
      await forgotten();
      expect(await tunnel()).toBeUndefined();
    },
  );

  it('of other names leaves it', async () => {
    const { router, resolver, tunnel, signals } = start();
    await tunnel();
    router.change([], { hostnames: ['other.test', '*.app.test', 'test'] });
    await settled(signals);
    expect(resolver.known(HOSTNAME)).toBeDefined();
  });

  it('that comes while a name is asked for makes the answer good for those who wait, and for nobody later', async () => {
    const { router, resolver, tunnel, signals } = start();
    const answer = Promise.withResolvers<void>();
    router.onResolve = () => answer.promise;
    const waiting = tunnel();
    await eventually(() => router.resolved.length === 1);
    router.change([], { hostnames: [HOSTNAME] });
    await settled(signals);
    answer.resolve();
    expect(await waiting).toBe(TUNNEL);
    expect(resolver.known(HOSTNAME)).toBeUndefined();
    expect(await tunnel()).toBeUndefined();
  });

  it('may have been missed while signals were away: all is asked for again', async () => {
    const { tunnel: _, ...parts } = start();
    let tell: (state: SignalsState) => void = () => undefined;
    const { signals } = parts;
    const flaky = Object.assign(Object.create(signals) as Signals, {
      onState: (listener: typeof tell) => (tell = listener),
      subscribe: signals.subscribe.bind(signals),
      request: signals.request.bind(signals),
    });
    const resolver = new Resolver({ signals: flaky, ...OPTIONS });
    await resolver.resolve(HOSTNAME);
    tell('disconnected');
    expect(resolver.known(HOSTNAME)).toBeDefined();
    tell('connected');
    expect(resolver.known(HOSTNAME)).toBeUndefined();
  });
});

describe('while no router answers', () => {
  it('what was known goes on serving, and is asked for again every ten seconds', async () => {
    const { router, resolver, tunnel, forgotten } = start();
    await tunnel();
    router.change([], { all: true });
    await forgotten();
    router.goAway();
    expect(await tunnel()).toBe(TUNNEL);
    expect(resolver.known(HOSTNAME)).toBeDefined();
    router.comeBack();
    pass(10_000);
    expect(await tunnel()).toBeUndefined();
  });

  it('what was known serves soon though routers hang, and nobody else waits', async () => {
    const { router, resolver, tunnel } = start();
    await tunnel();
    pass(60_000);
    expect(resolver.known(HOSTNAME)).toBeUndefined();
    const answer = Promise.withResolvers<void>();
    router.onResolve = () => answer.promise;
    expect(await tunnel()).toBe(TUNNEL);
    expect(router.resolved).toHaveLength(2);
    expect(resolver.known(HOSTNAME)?.match('/')?.tunnel).toBe(TUNNEL);
    answer.resolve();
  });

  it('an answer that comes late counts from then on', async () => {
    const { router, resolver, tunnel } = start();
    await tunnel();
    pass(60_000);
    router.routes = [{ id: 'r1', tunnel: 'moved', hostname: HOSTNAME }];
    const answer = Promise.withResolvers<void>();
    router.onResolve = () => answer.promise;
    expect(await tunnel()).toBe(TUNNEL);
    answer.resolve();
    await eventually(() => resolver.known(HOSTNAME)?.match('/')?.tunnel === 'moved');
  });

  it('a change that is heard of while an answer is overdue is asked for again', async () => {
    const { router, resolver, tunnel, signals } = start();
    await tunnel();
    pass(60_000);
    const answer = Promise.withResolvers<void>();
    router.onResolve = () => answer.promise;
    expect(await tunnel()).toBe(TUNNEL);
    router.change([{ id: 'r1', tunnel: 'moved', hostname: HOSTNAME }], { hostnames: [HOSTNAME] });
    await settled(signals);
    expect(resolver.known(HOSTNAME)).toBeUndefined();
    answer.resolve();
    await eventually(async () => (await tunnel()) === 'moved');
  });

  it('a name never heard of is an error', async () => {
    const { router, tunnel } = start();
    router.goAway();
    await expect(tunnel()).rejects.toMatchObject({ name: 'NoRespondersError' });
  });

  it('an answer that it cannot say counts as none', async () => {
    const { router, signals, tunnel, forgotten } = start();
    await tunnel();
    router.goAway();
    signals.respond('router.resolve', () => ({ error: 'the registry is away' }));
    await expect(tunnel('/', 'new.test')).rejects.toMatchObject({
      name: 'ResolveError',
      hostname: 'new.test',
    });
    router.change([]);
    await forgotten();
    expect(await tunnel()).toBe(TUNNEL);
  });
});

describe('of several routes', () => {
  it('the path decides', async () => {
    const { router, tunnel } = start();
    router.routes = [
      { id: 'r1', tunnel: 'whole', hostname: HOSTNAME },
      { id: 'r2', tunnel: 'part', hostname: HOSTNAME, path: '/v1' },
    ];
    expect([await tunnel('/v1/x'), await tunnel('/v2')]).toEqual(['part', 'whole']);
  });

  it('one that cannot be read does not take the others along', async () => {
    const { router, tunnel } = start();
    router.routes.push({ id: 'r0', tunnel: 'broken', hostname: HOSTNAME, path: '~ (' });
    router.routes.push({ id: 'r9', tunnel: 'odd', hostname: HOSTNAME, maxBody: 'much' });
    expect(await tunnel()).toBe(TUNNEL);
    expect(passedOver).toEqual([
      expect.stringContaining('r0: "~ (" is no path pattern'),
      'r9: "much" cannot be read',
    ]);
  });

  it('the same of two equal ones wins, in whatever order they come', async () => {
    const [a, b] = [
      { id: 'a', tunnel: 'a', hostname: HOSTNAME },
      { id: 'b', tunnel: 'b', hostname: HOSTNAME },
    ];
    const winners = [];
    for (const routes of [
      [a, b],
      [b, a],
    ]) {
      const { router, tunnel } = start();
      router.routes = routes;
      winners.push(await tunnel());
    }
    expect(winners[0]).toBe(winners[1]);
  });
});

/** Resolves when all that was published before has been heard. */
async function settled(signals: Signals): Promise<void> {
  await expect(signals.request('nobody', null, { timeoutMs: 1_000 })).rejects.toThrow();
  await new Promise((resolve) => setImmediate(resolve));
}
