import { MemoryBus, MemorySignals, holdersOf, poolOf } from '@culvert/signals';
import type { PoolInfo } from '@culvert/signals';
import { eventually } from '@culvert/testkit';
import { ResetCode } from '@culvert/wire';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Holder } from './holder.ts';
import { Holders } from './holders.ts';
import type { PeerLinks } from '../peers/peer-links.ts';
import { TUNNEL } from '../testing/router-double.ts';
import { POOLS, fakeLink } from '../testing/sessions.ts';
import type { FakeLink } from '../testing/sessions.ts';

/** Stands in for the links to other edges: those in `reachable` can be dialled. */
class FakePeers {
  readonly reachable = new Map<string, FakeLink>();
  readonly links = new Map<string, FakeLink>();
  /** ms, by edge; 1 otherwise. */
  readonly roundTrips = new Map<string, number>();

  up(edge: string): FakeLink | undefined {
    return this.links.get(edge);
  }

  roundTripMs(edge: string, which: 'sound' | 'any'): number | undefined {
    const link = this.links.get(edge);
    if (link === undefined || (link.suspect && which === 'sound')) return undefined;
    return this.roundTrips.get(edge) ?? 1;
  }

  prepare(pool: PoolInfo): void {
    this.reach(pool).catch(() => undefined);
  }

  reach({ edge }: PoolInfo): Promise<FakeLink> {
    const link = this.reachable.get(edge);
    if (link === undefined) return Promise.reject(new RangeError('unreachable'));
    this.links.set(edge, link);
    return Promise.resolve(link);
  }
}

function start() {
  const bus = new MemoryBus();
  const signals = new MemorySignals(bus);
  const peers = new FakePeers();
  const own = new MemorySignals(bus);
  const heard = new Map<string, number>();
  const holders = new Holders(
    own,
    peers as unknown as PeerLinks,
    { id: 'self', boot: 'own-boot', region: 'eu' },
    POOLS.ejection,
    (edge) => heard.get(edge),
  );
  let asked = 0;
  const pool = (edge: string, more: Partial<PoolInfo> = {}): PoolInfo => ({
    tunnel: TUNNEL,
    edge,
    region: 'eu',
    boot: 'b1',
    peers: `${edge}:7001`,
    sessions: 1,
    draining: false,
    ...more,
  });
  /** An edge that answers for a pool and can be dialled. */
  const hold = (edge: string, more: Partial<PoolInfo> = {}) => {
    const link = fakeLink();
    peers.reachable.set(edge, link);
    const subscription = signals.respond(holdersOf(TUNNEL), () => {
      asked++;
      return pool(edge, more);
    });
    return { link, subscription };
  };
  const say = async (info: PoolInfo): Promise<void> => {
    signals.publish(poolOf(TUNNEL), info);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    signals,
    own,
    peers,
    heard,
    holders,
    pool,
    hold,
    say,
    /** The edges that were chosen. */
    reach: async (...tried: Holder[]) => (await holders.reach(TUNNEL, tried))?.pool.edge,
    ready: (...tried: Holder[]) => holders.ready(TUNNEL, tried)?.pool.edge,
    asked: () => asked,
  };
}

/** Time passes as the test lets it, ms. */
function stopTime(): (ms: number) => Promise<unknown> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  return (ms) => vi.advanceTimersByTimeAsync(ms);
}

/** As many streams as said: how many go to each edge. */
function shares(choose: () => string | undefined, count: number): Record<string, number> {
  const shares: Record<string, number> = {};
  for (let n = 0; n < count; n++) {
    const edge = choose() ?? 'nobody';
    shares[edge] = (shares[edge] ?? 0) + 1;
  }
  return shares;
}

describe('holders of a tunnel', () => {
  it('are asked for once, dialled, and then ready without waiting', async () => {
    const { holders, hold, reach, ready, asked } = start();
    const { link } = hold('a');
    expect(ready()).toBeUndefined();
    expect(await Promise.all([reach(), reach(), reach()])).toEqual(['a', 'a', 'a']);
    expect(ready()).toBe('a');
    expect(holders.linkTo(holders.ready(TUNNEL, [])!)).toBe(link);
    expect(asked()).toBe(1);
  });

  it('are nobody when nobody answers, which is known without waiting for a while', async () => {
    const { reach, hold } = start();
    const pass = stopTime();
    expect(await reach()).toBeUndefined();
    hold('a');
    expect(await reach()).toBeUndefined();
    await pass(1_000);
    expect(await reach()).toBe('a');
  });

  it('are asked for again when the only one has started anew, however short a time ago that was done', async () => {
    const { reach, hold, holders } = start();
    const { subscription } = hold('a');
    expect(await reach()).toBe('a');
    subscription.unsubscribe();
    hold('a', { boot: 'b2' });
    holders.forgetEdge('a');
    expect(await reach()).toBe('a');
  });

  it('are waited for when they are slow: only who knows of none says so', async () => {
    const { reach, signals, peers, pool } = start();
    const pass = stopTime();
    peers.reachable.set('a', fakeLink());
    const slow = Promise.withResolvers<PoolInfo>();
    signals.respond(holdersOf(TUNNEL), () => slow.promise);
    const reached = reach();
    await pass(900);
    slow.resolve(pool('a'));
    expect(await reached).toBe('a');
  });

  it('are not waited for for ever', async () => {
    const { reach, signals } = start();
    signals.respond(holdersOf(TUNNEL), () => new Promise(() => undefined));
    expect(await reach()).toBeUndefined();
  });

  it('that cannot be reached or were tried are passed over', async () => {
    const { holders, peers, hold, reach } = start();
    const [a] = [hold('a'), hold('b')];
    peers.reachable.delete('a');
    const b = (await holders.reach(TUNNEL, []))!;
    expect(b.pool.edge).toBe('b');
    expect(await reach(b)).toBeUndefined();
    peers.reachable.set('a', a.link);
    const other = (await holders.reach(TUNNEL, [b]))!;
    expect(other.pool.edge).toBe('a');
    expect([holders.knows(TUNNEL, []), holders.knows(TUNNEL, [b, other])]).toEqual([true, false]);
  });

  it('of the own region go first, those that drain last', async () => {
    const { holders, hold, reach, say, pool, ready } = start();
    hold('far', { region: 'us' });
    hold('leaving', { draining: true });
    hold('near');
    await reach();
    for (const info of [pool('far', { region: 'us' }), pool('leaving', { draining: true }), pool('near')])
      await say(info);
    ready();
    const order: Holder[] = [];
    for (let n = 0; n < 3; n++) order.push((await holders.reach(TUNNEL, order))!);
    expect(order.map((holder) => holder.pool.edge)).toEqual(['near', 'far', 'leaving']);
  });

  it('that are nearer than the one in use are dialled meanwhile, and then used', async () => {
    const { hold, reach, ready, say, pool } = start();
    hold('far', { region: 'us' });
    await reach();
    hold('near');
    await say(pool('near'));
    expect(ready()).toBe('far');
    expect(ready()).toBe('near');
  });

  it('outside of the own region are used by their round trips, once those are known', async () => {
    const { hold, reach, ready, say, pool, peers } = start();
    for (const [edge, ms] of Object.entries({ us: 90, uk: 20, fr: 23, ie: 31, new: Infinity })) {
      hold(edge, { region: edge });
      peers.roundTrips.set(edge, ms);
      if (edge === 'us') await reach();
      await say(pool(edge, { region: edge }));
    }
    ready();
    expect(shares(ready, 40)).toEqual({ uk: 20, fr: 20 });
    for (const edge of ['uk', 'fr', 'ie']) peers.links.delete(edge);
    for (const edge of ['uk', 'fr', 'ie']) peers.reachable.delete(edge);
    expect(ready()).toBe('us');
    peers.links.delete('us');
    expect(ready()).toBe('new');
  });

  it.each([
    { small: 1, big: 3 },
    { small: 1, big: 10 },
    { small: 5, middle: 7, big: 11 },
  ])('that are equally near share the work by their sizes: %o', async (sizes) => {
    const { holders, hold, peers, reach, ready, say, pool } = start();
    for (const [edge, sessions] of Object.entries(sizes)) hold(edge, { sessions });
    await reach();
    for (const [edge, sessions] of Object.entries(sizes)) await say(pool(edge, { sessions }));
    for (const [edge, link] of peers.reachable) peers.links.set(edge, link);
    const total = Object.values(sizes).reduce((sum, size) => sum + size, 0);
    // Questions that take no stream take no turn.
    const choose = () => (holders.knows(TUNNEL, []) ? ready() : undefined);
    const taken = shares(choose, 20 * total);
    for (const [edge, sessions] of Object.entries(sizes)) {
      expect(Math.abs(taken[edge]! - 20 * sessions)).toBeLessThanOrEqual(2 * sessions);
    }
    const burst = shares(choose, total);
    for (const [edge, sessions] of Object.entries(sizes)) {
      expect(Math.abs(burst[edge]! - sessions)).toBeLessThanOrEqual(1);
    }
  });

  it('whose agents cannot reach the service are passed over for a while, once each of them has failed', async () => {
    const { holders, hold, peers, reach, ready, say, pool } = start();
    hold('a', { sessions: 2 });
    hold('b');
    await reach();
    await say(pool('a', { sessions: 2 }));
    await say(pool('b'));
    for (const [edge, link] of peers.reachable) peers.links.set(edge, link);
    const a = [holders.ready(TUNNEL, [])!, holders.ready(TUNNEL, [])!].find(
      ({ pool: { edge } }) => edge === 'a',
    )!;
    holders.failed(TUNNEL, a, ResetCode.NotDelivered);
    expect(shares(ready, 30)).toEqual({ a: 20, b: 10 });
    holders.failed(TUNNEL, a, ResetCode.NotDelivered);
    expect(shares(ready, 30)).toEqual({ b: 30 });
    const b = holders.ready(TUNNEL, [])!;
    holders.failed(TUNNEL, b, ResetCode.NotDelivered);
    expect([ready(), await reach(), holders.knows(TUNNEL, [])]).toEqual([undefined, undefined, false]);
    expect(holders.ready(TUNNEL, [], 'any')).toBeDefined();
    holders.answered(b);
    expect(shares(ready, 10)).toEqual({ b: 10 });
  });

  it('whose link is silent are passed over until something is heard', async () => {
    const { holders, hold, peers, reach, ready, say, pool } = start();
    hold('a');
    hold('b');
    await reach();
    for (const edge of ['a', 'b']) await say(pool(edge));
    for (const [edge, link] of peers.reachable) peers.links.set(edge, link);
    peers.links.get('a')!.suspect = true;
    expect(shares(ready, 10)).toEqual({ b: 10 });
    peers.links.get('b')!.suspect = true;
    expect(ready()).toBeUndefined();
    expect(holders.ready(TUNNEL, [], 'any')).toBeDefined();
    peers.links.get('a')!.suspect = false;
    expect(shares(ready, 10)).toEqual({ a: 10 });
  });

  it('that say so themselves come and go without being asked', async () => {
    const { holders, say, pool, reach } = start();
    await reach();
    expect(holders.knows(TUNNEL, [])).toBe(false);
    await say(pool('a'));
    expect(holders.knows(TUNNEL, [])).toBe(true);
    await say(pool('a', { sessions: 0, boot: 'earlier' }));
    expect(holders.knows(TUNNEL, [])).toBe(true);
    await say(pool('a', { sessions: 0 }));
    expect(holders.knows(TUNNEL, [])).toBe(false);
    await say(pool('self'));
    expect(holders.knows(TUNNEL, [])).toBe(false);
  });

  it('that turned out wrong, or have left, are forgotten; the others stay', async () => {
    const { holders, hold, reach, ready, say, pool } = start();
    hold('a');
    await reach();
    await say(pool('b'));
    holders.failed(TUNNEL, holders.ready(TUNNEL, [])!, ResetCode.NotHere);
    expect([ready(), holders.knows(TUNNEL, [])]).toEqual([undefined, true]);
    holders.forgetEdge('b');
    expect(holders.knows(TUNNEL, [])).toBe(false);
  });

  it('go on serving while signals are away', async () => {
    const { holders, own, hold, reach, ready } = start();
    hold('a');
    await reach();
    await own.close();
    holders.forgetFreshness();
    expect(ready()).toBeUndefined();
    expect(await reach()).toBe('a');
    expect(ready()).toBe('a');
  });

  it('are asked for again after signals were away, and those who twice answer no more are forgotten', async () => {
    const { holders, hold, reach, asked } = start();
    const { subscription } = hold('a');
    await reach();
    holders.forgetFreshness();
    await reach();
    expect(asked()).toBe(2);
    subscription.unsubscribe();
    holders.forgetFreshness();
    expect(await reach()).toBe('a');
    holders.forgetFreshness();
    expect(await reach()).toBeUndefined();
  });

  it('that answer no more go on serving by their links until their edges are heard of again', async () => {
    const { holders, hold, reach, heard } = start();
    const { subscription } = hold('a');
    heard.set('a', performance.now());
    await reach();
    subscription.unsubscribe();
    // NATS servers that are parted: for as long as they are.
    for (let asked = 0; asked < 5; asked++) {
      holders.forgetFreshness();
      expect(await reach()).toBe('a');
    }
    heard.set('a', performance.now());
    holders.forgetFreshness();
    expect(await reach()).toBeUndefined();
  });

  it('that answer again after a silence are as sure as ever', async () => {
    const { holders, hold, reach, heard } = start();
    const { subscription } = hold('a');
    await reach();
    subscription.unsubscribe();
    holders.forgetFreshness();
    await reach();
    const again = hold('a');
    holders.forgetFreshness();
    await reach();
    again.subscription.unsubscribe();
    heard.set('a', performance.now());
    holders.forgetFreshness();
    expect(await reach()).toBe('a');
  });

  it('are forgotten at once when nobody answers and no link leads to them', async () => {
    const { holders, hold, reach, peers } = start();
    const { subscription } = hold('a');
    await reach();
    subscription.unsubscribe();
    peers.links.clear();
    peers.reachable.clear();
    holders.forgetFreshness();
    expect(await reach()).toBeUndefined();
    expect(holders.view[0]?.pools).toEqual([]);
  });

  it('are asked for in the background while they are used, so that what signals lost is found', async () => {
    const { hold, reach, ready, asked } = start();
    hold('a');
    await reach();
    const late = performance.now() + 5_000;
    vi.spyOn(performance, 'now').mockReturnValue(late);
    onTestFinished(() => void vi.restoreAllMocks());
    hold('b');
    expect(ready()).toBe('a');
    for (let turns = 0; turns < 100 && asked() < 3; turns++)
      await new Promise((resolve) => setImmediate(resolve));
    vi.restoreAllMocks();
    await eventually(() => ready() === 'b');
  });
});
