import type { Link } from '@culvert/link';
import { MemoryBus, MemorySignals, holdersOf, poolOf } from '@culvert/signals';
import type { PoolInfo } from '@culvert/signals';
import { eventually } from '@culvert/testkit';
import { describe, expect, it } from 'vitest';
import { Holders } from './holders.ts';
import type { PeerLinks } from './peer-links.ts';
import { TUNNEL } from './testing/router-double.ts';
import { fakeLink } from './testing/sessions.ts';

/** Stands in for the links to other edges: those in `reachable` can be dialled. */
class FakePeers {
  readonly reachable = new Map<string, Link>();
  readonly links = new Map<string, Link>();

  up(edge: string): Link | undefined {
    return this.links.get(edge);
  }

  prepare(pool: PoolInfo): void {
    this.reach(pool).catch(() => undefined);
  }

  reach({ edge }: PoolInfo): Promise<Link> {
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
  const holders = new Holders(own, peers as unknown as PeerLinks, { id: 'self', region: 'eu' });
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
    holders,
    pool,
    hold,
    say,
    reach: () => holders.reach(TUNNEL, []),
    asked: () => asked,
  };
}

describe('holders of a tunnel', () => {
  it('are asked for once, dialled, and then ready without waiting', async () => {
    const { holders, hold, reach, asked } = start();
    const { link } = hold('a');
    expect(holders.ready(TUNNEL, [])).toBeUndefined();
    expect(await Promise.all([reach(), reach(), reach()])).toEqual([link, link, link]);
    expect(holders.ready(TUNNEL, [])).toBe(link);
    expect(asked()).toBe(1);
  });

  it('are nobody when nobody answers, which is known without waiting for a while', async () => {
    const { reach, hold } = start();
    const started = performance.now();
    expect(await reach()).toBeUndefined();
    expect(performance.now() - started).toBeLessThan(200);
    const { link } = hold('a');
    expect(await reach()).toBeUndefined();
    await eventually(async () => (await reach()) === link);
  });

  it('that cannot be reached or were tried are passed over', async () => {
    const { holders, peers, hold } = start();
    const [a, b] = [hold('a'), hold('b')];
    peers.reachable.delete('a');
    expect(await holders.reach(TUNNEL, [])).toBe(b.link);
    expect(await holders.reach(TUNNEL, [b.link])).toBeUndefined();
    peers.reachable.set('a', a.link);
    expect(await holders.reach(TUNNEL, [b.link])).toBe(a.link);
    expect([holders.knows(TUNNEL, []), holders.knows(TUNNEL, [a.link, b.link])]).toEqual([true, false]);
  });

  it('of the own region go first, those that drain last', async () => {
    const { holders, hold, reach } = start();
    const links = [hold('far', { region: 'us' }), hold('leaving', { draining: true }), hold('near')].map(
      ({ link }) => link,
    );
    await reach();
    // All have answered by the time that one is missing.
    await eventually(() =>
      links.every((link) =>
        holders.knows(
          TUNNEL,
          links.filter((other) => other !== link),
        ),
      ),
    );
    expect(await holders.reach(TUNNEL, [])).toBe(links[2]);
    expect(await holders.reach(TUNNEL, [links[2]])).toBe(links[0]);
    expect(await holders.reach(TUNNEL, [links[2], links[0]])).toBe(links[1]);
  });

  it('that are nearer than the one in use are dialled meanwhile, and then used', async () => {
    const { holders, hold, reach, say, pool } = start();
    const far = hold('far', { region: 'us' });
    await reach();
    const near = hold('near');
    await say(pool('near'));
    expect(holders.ready(TUNNEL, [])).toBe(far.link);
    expect(holders.ready(TUNNEL, [])).toBe(near.link);
  });

  it('that are equally near share the work by their sizes', async () => {
    const { holders, hold, peers, reach, say, pool } = start();
    const [small, big] = [hold('small'), hold('big', { sessions: 3 })];
    await reach();
    await say(pool('small'));
    await say(pool('big', { sessions: 3 }));
    for (const [edge, link] of peers.reachable) peers.links.set(edge, link);
    const picked = Array.from({ length: 40 }, () => holders.ready(TUNNEL, []));
    expect(picked.filter((link) => link === small.link)).toHaveLength(10);
    expect(picked.filter((link) => link === big.link)).toHaveLength(30);
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
    const { holders, hold, reach, say, pool } = start();
    const { link } = hold('a');
    await reach();
    await say(pool('b'));
    holders.wrong(TUNNEL, link);
    expect([holders.ready(TUNNEL, []), holders.knows(TUNNEL, [])]).toEqual([undefined, true]);
    holders.forgetEdge('b');
    expect(holders.knows(TUNNEL, [])).toBe(false);
  });

  it('go on serving while signals are away', async () => {
    const { holders, own, hold, reach } = start();
    const { link } = hold('a');
    await reach();
    await own.close();
    holders.forgetFreshness();
    expect(holders.ready(TUNNEL, [])).toBeUndefined();
    expect(await reach()).toBe(link);
    expect(holders.ready(TUNNEL, [])).toBe(link);
  });

  it('are asked for again after signals were away, and those who answer no more are forgotten', async () => {
    const { holders, hold, reach, asked } = start();
    const { subscription } = hold('a');
    await reach();
    holders.forgetFreshness();
    await reach();
    expect(asked()).toBe(2);
    subscription.unsubscribe();
    holders.forgetFreshness();
    expect(await reach()).toBeUndefined();
  });
});
