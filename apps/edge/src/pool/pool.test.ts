import type { Link } from '@culvert/link';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Pool, linkOf } from './pool.ts';
import type { Session } from './pool.ts';
import { Pools } from './pools.ts';
import { POOLS, fakeLink, sessionOf } from '../testing/sessions.ts';
import type { FakeLink } from '../testing/sessions.ts';
import { TUNNEL } from '../testing/router-double.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

const poolOf = (...sessions: Session[]): Pool => {
  const pool = new Pool(TUNNEL, POOLS.ejection);
  pool.sessions.push(...sessions);
  return pool;
};

describe('a pool', () => {
  it('picks its sessions in turn', () => {
    const [a, b, c] = [sessionOf(), sessionOf(), sessionOf()];
    const pool = poolOf(a, b, c);
    const picked = Array.from({ length: 6 }, () => pool.pick([]));
    expect(new Set(picked.slice(0, 3))).toEqual(new Set([a, b, c]));
    expect(picked.slice(3)).toEqual(picked.slice(0, 3));
  });

  it('picks none that was tried, drains or has no link that takes streams', () => {
    const tried = sessionOf();
    const draining = sessionOf({ draining: true });
    const mute = sessionOf({ links: [fakeLink({ available: false })] });
    const left = sessionOf();
    const pool = poolOf(tried, draining, mute, left);
    for (let at = 0; at < 5; at++) expect(pool.pick([tried])).toBe(left);
    expect(pool.pick([tried, left])).toBeUndefined();
    expect(pool.size).toBe(3);
  });

  it('passes over an agent with one silent link, and takes it for want of others', () => {
    const links = [fakeLink(), fakeLink()];
    const [doubted, mute, well] = [sessionOf({ links }), sessionOf(), sessionOf()];
    links[0]!.suspect = true;
    (mute.links[0] as FakeLink).suspect = true;
    const pool = poolOf(mute, doubted, well);
    for (let at = 0; at < 4; at++) expect(pool.pick([])).toBe(well);
    expect([pool.pick([well]), pool.has([well])]).toEqual([undefined, true]);
    for (let at = 0; at < 4; at++) expect(pool.pickAny([well])).toBe(doubted);
    expect([pool.has([well, doubted]), pool.pickAny([well, doubted])]).toEqual([false, mute]);
  });

  it('without sessions picks nothing', () => expect(poolOf().pick([])).toBeUndefined());
});

describe('the link of a session', () => {
  it('is the same for a burst, then the next in turn', () => {
    const links = [fakeLink(), fakeLink(), fakeLink()];
    const session = sessionOf({ links });
    const first = linkOf(session);
    expect([linkOf(session), linkOf(session)]).toEqual([first, first]);
    const seen = new Set<Link | undefined>();
    for (let at = 0; at < 3; at++) {
      vi.advanceTimersByTime(21);
      seen.add(linkOf(session));
    }
    expect(seen).toEqual(new Set(links));
  });

  it('is another one when it has enough to write, and that one only when all have', () => {
    const [a, b] = [fakeLink(), fakeLink()];
    const session = sessionOf({ links: [a, b] });
    a.congested = true;
    expect(linkOf(session)).toBe(b);
    b.congested = true;
    expect([a, b]).toContain(linkOf(session));
  });

  it('is none that has left a stream unacknowledged and is silent, unless all are', () => {
    const [silent, sound] = [fakeLink(), fakeLink()];
    const session = sessionOf({ links: [silent, sound] });
    const other = sessionOf();
    const pool = poolOf(session, other);
    silent.suspect = true;
    for (let at = 0; at < 4; at++) expect(linkOf(session)).toBe(sound);
    sound.suspect = true;
    expect([silent, sound]).toContain(linkOf(session));
    for (let at = 0; at < 4; at++) expect(pool.pick([])).toBe(other);
    expect([pool.pick([other]), pool.pickAny([other])]).toEqual([undefined, session]);
    silent.suspect = false;
    expect(pool.pickAny([other])).toBe(session);
    sound.suspect = false;
    expect(pool.pick([other])).toBe(session);
  });

  it('takes streams, or there is none', () => {
    const [a, b] = [fakeLink({ available: false }), fakeLink()];
    const session = sessionOf({ links: [a, b] });
    expect(linkOf(session)).toBe(b);
    b.available = false;
    expect(linkOf(session)).toBeUndefined();
    session.links.splice(0);
    expect(linkOf(session)).toBeUndefined();
  });
});

describe('pools', () => {
  const start = () => {
    const told: string[] = [];
    const pools = new Pools({ onSession: (session, change) => told.push(`${session.id} ${change}`) }, POOLS);
    return { pools, told };
  };

  it('tell of every session that comes, changes and goes, once', () => {
    const { pools, told } = start();
    const session = sessionOf({ id: 's' });
    pools.add(session);
    pools.changed(session);
    pools.drain(session);
    pools.drain(session);
    pools.remove(session);
    pools.remove(session);
    pools.changed(session);
    expect(told).toEqual(['s up', 's changed', 's changed', 's down']);
  });

  it('end with their last session', () => {
    const { pools } = start();
    const [a, b] = [sessionOf(), sessionOf()];
    pools.add(a);
    pools.add(b);
    pools.remove(a);
    expect(pools.get(TUNNEL)?.sessions).toEqual([b]);
    pools.remove(b);
    expect(pools.get(TUNNEL)).toBeUndefined();
    expect(pools.sessionCount).toBe(0);
  });

  it('drain the older sessions of an agent when a newer one comes, and nobody else’s', () => {
    const { pools } = start();
    const [old, other] = [sessionOf({ agent: 'a', generation: 1 }), sessionOf({ agent: 'b', generation: 1 })];
    const [newer, elsewhere] = [
      sessionOf({ agent: 'a', generation: 2 }),
      sessionOf({ agent: 'a', tunnel: 'x' }),
    ];
    for (const session of [elsewhere, old, other, newer]) pools.add(session);
    expect([old, other, newer, elsewhere].map(({ draining }) => draining)).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect(pools.find(TUNNEL, 'a', 2)).toBe(newer);
  });

  it('know what belongs to the past', () => {
    const { pools } = start();
    const session = sessionOf({ agent: 'a', generation: 2 });
    pools.add(session);
    const past = [1, 2, 3].map((generation) => pools.isPast(TUNNEL, 'a', generation));
    expect(past).toEqual([true, false, false]);
    pools.drain(session);
    expect(pools.isPast(TUNNEL, 'a', 2)).toBe(true);
    expect(pools.isPast(TUNNEL, 'a', 3)).toBe(false);
    expect(pools.isPast(TUNNEL, 'b', 1)).toBe(false);
  });
});
