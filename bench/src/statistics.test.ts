import { describe, expect, it } from 'vitest';
import { chooseRuns, median, medians } from './statistics.ts';

describe('median', () => {
  it.each([
    [[7], 7],
    [[3, 1, 2], 2],
    [[10, 1, 4, 2], 3],
  ])('of %j is %d', (values, middle) => {
    expect(median(values)).toBe(middle);
  });

  it('of nothing is undefined', () => {
    expect(median([])).toBeUndefined();
  });

  it('leaves its input in its order', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

describe('medians', () => {
  it('takes each figure over the runs that have it', () => {
    expect(medians([{ a: 1, b: 5 }, { a: 3 }, { a: 2, b: 7 }])).toEqual({ a: 2, b: 6 });
  });
});

describe('chooseRuns', () => {
  it('keeps the clean runs only', () => {
    const [clean, noisy, atTheLimit] = [{ noise: -0.05 }, { noise: 0.121 }, { noise: 0.12 }];
    expect(chooseRuns([clean, noisy, atTheLimit])).toEqual({ runs: [clean, atTheLimit], clean: true });
  });

  it('falls back to the least disturbed run when all are noisy', () => {
    expect(chooseRuns([{ noise: 0.5 }, { noise: 0.2 }, { noise: 0.9 }])).toEqual({
      runs: [{ noise: 0.2 }],
      clean: false,
    });
  });

  it('has nothing to choose from no runs', () => {
    expect(chooseRuns([])).toEqual({ runs: [], clean: false });
  });
});
