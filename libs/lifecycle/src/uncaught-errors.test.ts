import { describe, expect, it } from 'vitest';
import { MAX_UNCAUGHT, UncaughtErrors } from './uncaught-errors.ts';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

function counting() {
  const state = { now: 0, alarms: 0 };
  const errors = new UncaughtErrors(
    quiet,
    () => {
      state.alarms += 1;
    },
    () => state.now,
  );
  return { state, errors };
}

describe('UncaughtErrors', () => {
  it('calls it too many once more than the limit come within a minute', () => {
    const { state, errors } = counting();
    for (let i = 0; i < MAX_UNCAUGHT; i += 1) errors.onError(new Error('x'));
    expect(state.alarms).toBe(0);
    errors.onError(new Error('x'));
    expect(state.alarms).toBe(1);
  });

  it('forgets errors of more than a minute ago', () => {
    const { state, errors } = counting();
    for (let i = 0; i < 10 * MAX_UNCAUGHT; i += 1) {
      state.now += 6_000;
      errors.onError(new Error('x'));
    }
    expect(state.alarms).toBe(0);
  });
});
