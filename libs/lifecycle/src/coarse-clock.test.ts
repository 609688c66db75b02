import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

describe('coarseNow', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.resetModules();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('stands still between two steps and then follows the real clock', async () => {
    const { COARSE_CLOCK_STEP, coarseNow } = await import('./coarse-clock.ts');
    const first = coarseNow();
    vi.advanceTimersByTime(COARSE_CLOCK_STEP - 1);
    expect(coarseNow()).toBe(first);
    vi.advanceTimersByTime(1 + 10 * COARSE_CLOCK_STEP);
    expect(coarseNow() - first).toBeGreaterThanOrEqual(10 * COARSE_CLOCK_STEP);
  });

  it('does not run before somebody reads it', async () => {
    await import('./coarse-clock.ts');
    expect(vi.getTimerCount()).toBe(0);
  });
});
