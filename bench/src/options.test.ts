import { describe, expect, it } from 'vitest';
import { BenchFault } from './fault.ts';
import { parseOptions, pick } from './options.ts';

describe('parseOptions', () => {
  it('measures everything three times by default', () => {
    expect(parseOptions([])).toMatchObject({ peers: undefined, cases: undefined, rounds: 3, check: false });
  });

  it('lets a number asked for win over the pace of --quick', () => {
    expect(parseOptions(['--quick', '--rounds', '2'])).toMatchObject({ rounds: 2, seconds: 2, repeats: 0 });
  });

  it.each([['--rounds', '0'], ['--seconds', '1.5'], ['--seconds', 'x'], ['--unknown'], ['word']])(
    'refuses %s %s',
    (...words) => {
      expect(() => parseOptions(words)).toThrow(BenchFault);
    },
  );
});

describe('pick', () => {
  const all = [{ name: 'a' }, { name: 'b' }];

  it('takes all when nothing is asked for', () => {
    expect(pick(all, undefined)).toEqual(all);
  });

  it('refuses a name that it does not know', () => {
    expect(() => pick(all, ['a', 'c'])).toThrow(BenchFault);
  });
});
