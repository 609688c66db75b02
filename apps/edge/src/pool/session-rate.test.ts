import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SessionRate } from './session-rate.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

/** How many of so many arrivals are taken at once. */
const taken = (rate: SessionRate, arrivals: number): number =>
  Array.from({ length: arrivals }, () => rate.take()).filter((wait) => wait === 0).length;

describe('a rate of sessions', () => {
  it('takes two seconds of it at once, and then as many as it says', () => {
    const rate = new SessionRate(() => 100);
    expect(taken(rate, 1_000)).toBe(200);
    vi.advanceTimersByTime(500);
    expect(taken(rate, 1_000)).toBe(50);
    vi.advanceTimersByTime(60_000);
    expect(taken(rate, 1_000)).toBe(200);
  });

  it('gives each of the others a time of its own', () => {
    const rate = new SessionRate(() => 100);
    taken(rate, 200);
    const waits = Array.from({ length: 50 }, () => rate.take());
    expect(waits).toEqual(Array.from({ length: 50 }, (_, n) => (n + 1) * 10));
  });

  it('turns a storm of ten thousand into a queue that is served at that rate', () => {
    const rate = new SessionRate(() => 200);
    let arrivals: number[] = Array.from({ length: 10_000 }, () => 0);
    let attached = 0;
    let asked = 0;
    let now = 0;
    while (arrivals.length > 0 && now < 120_000) {
      const due = arrivals.filter((at) => at <= now);
      arrivals = arrivals.filter((at) => at > now);
      const before = attached;
      for (const _ of due) {
        asked++;
        const wait = rate.take();
        if (wait === 0) attached++;
        else arrivals.push(now + wait);
      }
      if (now > 0) expect(attached - before).toBeLessThanOrEqual(30);
      now += 100;
      vi.advanceTimersByTime(100);
    }
    expect(attached).toBe(10_000);
    expect(now).toBeLessThan(70_000);
    // Nobody is turned away over and over.
    expect(asked).toBeLessThan(4 * 10_000);
  });
});
