import { expect, it } from 'vitest';
import { EVERY_FAULT } from './faults/every-fault.ts';
import { OptionError, parseOptions } from './options.ts';
import { LONG, SHORT } from './pace.ts';

const parse = (...words: string[]) => parseOptions(words, EVERY_FAULT);

it('without words every fault is played at length', () => {
  expect(parse()).toEqual({ faults: EVERY_FAULT, pace: LONG, write: false, help: false });
});

it('faults are named, or begin with what is before a star, and come once', () => {
  const { faults, pace } = parse('--short', 'kill-edge', 'kill-*', '--soak', '2');
  expect(faults.map(({ name }) => name)).toEqual(['kill-edge', 'kill-agent', 'kill-router']);
  expect(pace).toEqual({ ...SHORT, soakMs: 120_000 });
});

it.each([
  [['kill-nobody']],
  [['--outage', 'soon']],
  [['--soak', '-1']],
  [['--fast']],
  [['--short', '--write']],
])('%j is refused', (words) => {
  expect(() => parse(...words)).toThrow(OptionError);
});

it('no two faults share a name', () => {
  expect(new Set(EVERY_FAULT.map(({ name }) => name)).size).toBe(EVERY_FAULT.length);
});
