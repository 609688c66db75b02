import { ResetCode } from '@culvert/wire';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Ejection } from './ejection.ts';
import { Pool } from './pool.ts';
import type { Balance, Session } from './pool.ts';
import { fakeLink, sessionOf } from '../testing/sessions.ts';
import { TUNNEL } from '../testing/router-double.ts';

const RULES = { failures: 3, base: 5_000, most: 20_000, share: 100 };

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

function poolOf(count: number, more: Partial<typeof RULES> = {}, balance: Balance = 'roundRobin') {
  const ejection = new Ejection({ ...RULES, ...more }, () => 0.5);
  const pool = new Pool(TUNNEL, ejection, balance);
  const sessions = Array.from({ length: count }, () => sessionOf());
  pool.sessions.push(...sessions);
  return { ejection, pool, sessions };
}

/** How often each session is picked. */
function shares(pool: Pool, picks: number): number[] {
  const picked: (Session | undefined)[] = Array.from({ length: picks }, () => pool.pick([]));
  return pool.sessions.map((session) => picked.filter((other) => other === session).length);
}

const answered = ({ ejection }: { readonly ejection: Ejection }, session: Session): void =>
  ejection.answered(session.health);

describe('a session', () => {
  it('that could not reach its service is set aside at once, and the others take its turns', () => {
    const { pool, sessions } = poolOf(3);
    expect(pool.failed(sessions[0]!, ResetCode.NotDelivered)).toBe(5_000);
    expect(shares(pool, 30)).toEqual([0, 15, 15]);
  });

  it.each([
    ResetCode.UpstreamLost,
    ResetCode.UpstreamProtocol,
    ResetCode.UpstreamTimeout,
    ResetCode.Internal,
  ])('whose service fails (code %i) is set aside after so many failures in a row', (code) => {
    const { pool, sessions } = poolOf(2);
    expect([1, 2, 3].map(() => pool.failed(sessions[0]!, code))).toEqual([0, 0, 5_000]);
    expect(shares(pool, 10)).toEqual([0, 10]);
  });

  it.each([
    ResetCode.Cancelled,
    ResetCode.Refused,
    ResetCode.NoRoute,
    ResetCode.AgentLost,
    ResetCode.Busy,
    ResetCode.LinkLost,
  ])('is not blamed for code %i', (code) => {
    const { pool, sessions } = poolOf(2);
    for (let n = 0; n < 20; n++) expect(pool.failed(sessions[0]!, code)).toBe(0);
    expect(shares(pool, 10)).toEqual([5, 5]);
  });

  it('that answers in between has failed not once', () => {
    const all = poolOf(2);
    const [session] = all.sessions;
    for (let n = 0; n < 10; n++) {
      all.pool.failed(session!, ResetCode.UpstreamLost);
      all.pool.failed(session!, ResetCode.UpstreamLost);
      answered(all, session!);
    }
    expect(shares(all.pool, 10)).toEqual([5, 5]);
  });

  it('returns slowly: its share grows over ten seconds', () => {
    const { pool, sessions } = poolOf(2);
    pool.failed(sessions[0]!, ResetCode.NotDelivered);
    vi.advanceTimersByTime(4_999);
    expect(shares(pool, 20)).toEqual([0, 20]);
    const seen = [0, 1, 2, 3, 4, 5].map(() => {
      const [back] = shares(pool, 100);
      vi.advanceTimersByTime(2_000);
      return back!;
    });
    expect(seen[0]).toBe(0);
    expect(seen.slice(1)).toEqual([...seen.slice(1)].sort((a, b) => a - b));
    expect(seen[1]).toBeGreaterThan(4);
    expect(seen[2]).toBeLessThan(30);
    vi.advanceTimersByTime(2_000);
    expect(shares(pool, 100)).toEqual([50, 50]);
  });

  it('that fails again while it returns is set aside for longer each time, up to a limit', () => {
    const { pool, sessions } = poolOf(2);
    const times = [1, 2, 3, 4, 5, 6].map(() => {
      const forMs = pool.failed(sessions[0]!, ResetCode.NotDelivered);
      vi.advanceTimersByTime(forMs + 1);
      return forMs;
    });
    expect(times).toEqual([5_000, 10_000, 15_000, 20_000, 20_000, 20_000]);
    expect(pool.failed(sessions[0]!, ResetCode.UpstreamLost)).toBe(20_000);
  });

  it('that was well for long starts over', () => {
    const { pool, sessions } = poolOf(2);
    pool.failed(sessions[0]!, ResetCode.NotDelivered);
    vi.advanceTimersByTime(5_000 + 10_000 + 20_000);
    expect(pool.failed(sessions[0]!, ResetCode.NotDelivered)).toBe(5_000);
  });

  it('is not set aside for longer by the streams that were opened before', () => {
    const { pool, sessions } = poolOf(2);
    pool.failed(sessions[0]!, ResetCode.NotDelivered);
    vi.advanceTimersByTime(1_000);
    for (let n = 0; n < 50; n++) expect(pool.failed(sessions[0]!, ResetCode.NotDelivered)).toBe(0);
    vi.advanceTimersByTime(4_100);
    expect(pool.has([sessions[1]])).toBe(true);
  });

  it('that answers although it is set aside returns from then on', () => {
    const all = poolOf(2);
    all.pool.failed(all.sessions[0]!, ResetCode.NotDelivered);
    expect(all.pool.has([all.sessions[1]])).toBe(false);
    answered(all, all.sessions[0]!);
    expect(all.pool.has([all.sessions[1]])).toBe(true);
    const [back] = shares(all.pool, 100);
    expect(back).toBeGreaterThan(0);
    expect(back).toBeLessThan(20);
  });

  it('is set aside for a while that differs by chance', () => {
    const times = [0, 0.999].map((random) => {
      const pool = new Pool(TUNNEL, new Ejection(RULES, () => random));
      pool.sessions.push(sessionOf());
      return pool.failed(pool.sessions[0]!, ResetCode.NotDelivered);
    });
    expect(times[0]).toBe(3_750);
    expect(times[1]).toBeCloseTo(6_250, -1);
  });
});

describe('a pool of which', () => {
  it('all are set aside has nobody who is well, and anybody is still found', () => {
    const { pool, sessions } = poolOf(2);
    for (const session of sessions) pool.failed(session, ResetCode.NotDelivered);
    expect([pool.pick([]), pool.has([])]).toEqual([undefined, false]);
    expect(new Set([pool.pickAny([]), pool.pickAny([])])).toEqual(new Set(sessions));
    expect(pool.pickAny(sessions)).toBeUndefined();
  });

  it('more than the allowed share would be set aside tries all of them', () => {
    const { pool, sessions } = poolOf(4, { share: 50 });
    for (const session of sessions.slice(0, 2)) pool.failed(session, ResetCode.NotDelivered);
    expect(shares(pool, 20)).toEqual([0, 0, 10, 10]);
    pool.failed(sessions[2]!, ResetCode.NotDelivered);
    expect(shares(pool, 20)).toEqual([5, 5, 5, 5]);
  });

  it('one returns alone takes every turn', () => {
    const { pool, sessions } = poolOf(1);
    pool.failed(sessions[0]!, ResetCode.NotDelivered);
    vi.advanceTimersByTime(5_001);
    expect(shares(pool, 20)).toEqual([20]);
  });
});

describe('by the fewest streams', () => {
  const load = (session: Session, ...streams: number[]): void => {
    session.links.splice(0, 1, ...streams.map((openStreams) => ({ ...fakeLink(), openStreams }) as never));
  };

  it('the session with the fewest on all of its links takes the next', () => {
    const { pool, sessions } = poolOf(3, {}, 'leastStreams');
    load(sessions[0]!, 3, 3);
    load(sessions[1]!, 5);
    load(sessions[2]!, 2, 2, 2);
    for (let n = 0; n < 6; n++) expect(pool.pick([])).toBe(sessions[1]);
    expect([pool.pick([sessions[1]]), pool.pick([sessions[1], sessions[0]])]).toContain(sessions[2]);
  });

  it('those that have as few take turns', () => {
    const { pool } = poolOf(4, {}, 'leastStreams');
    expect(shares(pool, 40)).toEqual([10, 10, 10, 10]);
  });

  it('those that are set aside have none, and those that return have few', () => {
    const { pool, sessions } = poolOf(2, {}, 'leastStreams');
    load(sessions[1]!, 100);
    pool.failed(sessions[0]!, ResetCode.NotDelivered);
    expect(shares(pool, 10)).toEqual([0, 10]);
    vi.advanceTimersByTime(6_000);
    const [back] = shares(pool, 100);
    expect(back).toBeGreaterThan(5);
    expect(back).toBeLessThan(20);
  });
});
