import { describe, expect, it } from 'vitest';
import { cpuSeconds, parseMachineStat, parseProcessStat, processTree, residentKib } from './procfs.ts';

describe('parseProcessStat', () => {
  it('reads own and reaped seconds after a name with spaces and parentheses', () => {
    const text =
      '42 (a (b) c) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 30 20 20 0 1 0 5000 1000 200 18446744073709551615';
    expect(parseProcessStat(text)).toEqual({ own: 3, reaped: 0.5 });
  });
});

describe('parseMachineStat', () => {
  it('counts all but idle, waiting and stolen time as busy', () => {
    const text = 'cpu  100 200 300 99999 88888 40 50 60 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n';
    expect(parseMachineStat(text)).toBeCloseTo(6.9);
  });
});

describe('reading processes', () => {
  it('finds this process at the root of its tree, with memory and CPU time', () => {
    const pids = processTree(process.pid);
    expect(pids[0]).toBe(process.pid);
    expect(residentKib([process.pid])).toBeGreaterThan(10_000);
    expect(cpuSeconds([process.pid])).toBeGreaterThan(0);
  });

  it('counts a process that is gone as nothing', () => {
    const beyondAnyPid = 2 ** 22 + 1;
    expect(cpuSeconds([beyondAnyPid])).toBe(0);
    expect(residentKib([beyondAnyPid])).toBe(0);
    expect(processTree(beyondAnyPid)).toEqual([beyondAnyPid]);
  });
});
