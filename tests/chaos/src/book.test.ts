import { expect, it } from 'vitest';
import { withFigures } from './book.ts';
import type { Chart, Report } from './trial.ts';

const PAGE =
  'before\n<!-- chaos: begin -->\n<!-- chaos: end -->\nbetween\n<!-- chaos soak: begin -->\n<!-- chaos soak: end -->\nafter\n';
const NAMES = ['kill-edge', 'kill-agent', 'soak'];

function report(fault: string, requests: number, charts: readonly Chart[] = []): Report {
  return {
    ...{ fault, requests, charts, law: '', site: '', at: '', durationMs: 1, heldUpMs: 0, doubled: 0 },
    ...{ failed: 0, wrong: 0, raced: 0, longestGapMs: 1, slowestMs: 1, healMs: 0, failures: [], byKind: {} },
    ...{ viewsMs: 5, measures: [], broken: [] },
  };
}

const rows = (page: string): string[] =>
  page.split('\n').flatMap((line) => /^\| (\S+ +\| +\d+)/.exec(line)?.[1]?.replaceAll(/ +/g, ' ') ?? []);

it('figures of faults stay until they are played again, in the order of the list', () => {
  const first = withFigures(PAGE, [report('kill-agent', 10), report('kill-edge', 20)], NAMES);
  expect(rows(first)).toEqual(['kill-edge | 20', 'kill-agent | 10']);
  const second = withFigures(first, [report('kill-agent', 30)], NAMES);
  expect(rows(second)).toEqual(['kill-edge | 20', 'kill-agent | 30']);
  const widths = second.split('\n').flatMap((line) => (line.startsWith('|') ? [line.length] : []));
  expect(new Set(widths).size).toBe(1);
  expect(second).toMatch(/^before\n[^]*\nbetween\n[^]*\nafter\n$/);
});

it('a soak tells what each process took, from the first sample to the last', () => {
  const samples = Array.from({ length: 31 }, (_, minute) => ({
    at: 1_000 + minute * 60_000,
    memoryBytes: (100 + minute) * 1_048_576,
    descriptors: 40,
  }));
  const page = withFigures(PAGE, [report('soak', 5, [{ process: 'eu-1', samples }])], NAMES);
  expect(page).toContain('0.0 min');
  expect(page).toMatch(/\| eu-1 +\| 100 MiB, 40 \|.*\| 130 MiB, 40 \|/);
  expect(withFigures(page, [report('kill-edge', 1)], NAMES)).toContain('130 MiB');
});
