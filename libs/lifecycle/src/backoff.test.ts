import { describe, expect, it } from 'vitest';
import { Backoff } from './backoff.ts';

const highest = { baseMs: 100, capMs: 5_000, settledMs: 10_000, random: () => 1 };

describe('Backoff', () => {
  it('doubles the upper bound of the delay with each failure, up to the cap', () => {
    const backoff = new Backoff(highest);
    const delays = Array.from({ length: 8 }, () => backoff.next());
    expect(delays).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
  });

  it('spreads delays over the whole range from zero', () => {
    const random = [0, 0.5, 0.25];
    const backoff = new Backoff({ ...highest, random: () => random.shift() ?? 1 });
    expect([backoff.next(), backoff.next(), backoff.next()]).toEqual([0, 100, 100]);
  });

  it('starts over only after a try that lasted', () => {
    const backoff = new Backoff(highest);
    backoff.next();
    backoff.next();
    expect(backoff.next(9_999)).toBe(400);
    expect(backoff.failures).toBe(3);
    expect(backoff.next(10_000)).toBe(100);
  });

  it('stays at the cap however often it fails', () => {
    const backoff = new Backoff(highest);
    for (let i = 0; i < 5_000; i += 1) backoff.next();
    expect(backoff.next()).toBe(5_000);
  });
});
