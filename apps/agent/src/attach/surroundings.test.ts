import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Surroundings } from './surroundings.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

function start() {
  const noticed: string[] = [];
  let addresses = ['192.0.2.1'];
  const surroundings = new Surroundings({
    onSlept: () => noticed.push('slept'),
    onAddresses: (came, gone) => noticed.push(`+${[...came].join()} -${[...gone].join()}`),
    addresses: () => new Set(addresses),
  });
  surroundings.start();
  return { surroundings, noticed, move: (...to: string[]) => (addresses = to) };
}

describe('surroundings', () => {
  it('that stay as they are tell nothing', () => {
    const { surroundings, noticed } = start();
    vi.advanceTimersByTime(3_600_000);
    expect(noticed).toEqual([]);
    surroundings.stop();
  });

  it('tell once that the machine has slept: the clock went on, the timers did not', () => {
    const { surroundings, noticed } = start();
    vi.advanceTimersByTime(10_000);
    vi.setSystemTime(Date.now() + 12_000);
    vi.advanceTimersByTime(10_000);
    expect(noticed).toEqual(['slept']);
    surroundings.stop();
  });

  it('do not take a late timer or a corrected clock for sleep', () => {
    const { surroundings, noticed } = start();
    for (const jump of [1_500, -60_000, 2_000, -5]) {
      vi.setSystemTime(Date.now() + jump);
      vi.advanceTimersByTime(5_000);
    }
    expect(noticed).toEqual([]);
    surroundings.stop();
  });

  it('tell that the machine has other addresses, also that it has none', () => {
    const { surroundings, noticed, move } = start();
    for (const addresses of [[], ['198.51.100.7', '192.0.2.1'], ['192.0.2.1', '198.51.100.7']]) {
      move(...addresses);
      vi.advanceTimersByTime(5_000);
    }
    expect(noticed).toEqual(['+ -192.0.2.1', '+198.51.100.7,192.0.2.1 -']);
    surroundings.stop();
  });

  it('of this machine can be read', () => {
    const noticed: string[] = [];
    const surroundings = new Surroundings({
      onSlept: () => noticed.push('slept'),
      onAddresses: (_, gone) => noticed.push(...gone),
    });
    surroundings.start();
    vi.advanceTimersByTime(2_000);
    expect(noticed).not.toContain('slept');
    expect(noticed).not.toContain('127.0.0.1');
    surroundings.stop();
  });
});
