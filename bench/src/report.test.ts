import { describe, expect, it } from 'vitest';
import { column, sumColumn, type Case } from './cases/case.ts';
import type { Book, Run } from './record.ts';
import { report, table } from './report.ts';

const CASE: Case = {
  name: 'c64',
  title: 'small requests',
  start: 'shared',
  columns: [column('req/s', 'perSecond'), column('agent MiB', 'rssAgent')],
  compared: [sumColumn('CPU', ['cpuServer', 'cpuAgent'])],
  measure: () => Promise.reject(new Error('not measured here')),
};

function run(contestant: string, figures: Run['figures'], noise = 0): Run {
  return { contestant, case: 'c64', round: 1, attempt: 1, noise, figures };
}

function bookOf(runs: readonly Run[]): Book {
  const contestants = ['haproxy', 'culvert', 'bore'].map((name) => ({ name, version: '1', setup: 'plain' }));
  return { heading: { at: 'now', command: 'npm run bench', machine: 'm', tools: ['t'], contestants }, runs };
}

function rowOf(contestant: string, text: string): string[] {
  const line = text.split('\n').findLast((each) => each.startsWith(`| ${contestant} `));
  return (line ?? '').split('|').map((cell) => cell.trim());
}

describe('report', () => {
  it('shows medians of clean runs with ratios to the references that took part', () => {
    const text = report(
      bookOf([
        run('haproxy', { perSecond: 10, cpuServer: 20 }),
        run('culvert', { perSecond: 4, cpuServer: 10, cpuAgent: 5 }),
        run('culvert', { perSecond: 6, cpuServer: 10, cpuAgent: 5 }),
        run('culvert', { perSecond: 999, cpuServer: 99, cpuAgent: 99 }, 0.5),
        run('bore', { perSecond: 5, cpuServer: 5, cpuAgent: 5 }),
      ]),
      [CASE],
    );
    expect(rowOf('culvert', text)).toEqual(['', 'culvert', '5', '0.75 / 1.50', '2', '0', '']);
    expect(rowOf('haproxy', text)[3]).toBe('1.00 / 2.00');
  });

  it('shows the least disturbed run, and no clean one, where all were noisy', () => {
    const text = report(bookOf([run('bore', { perSecond: 1 }, 0.9), run('bore', { perSecond: 2 }, 0.4)]), [
      CASE,
    ]);
    expect(rowOf('bore', text)).toEqual(['', 'bore', '2', '—', '0', '40', '']);
  });

  it('lists failed runs with their reason and leaves them out of the tables', () => {
    const text = report(bookOf([{ ...run('bore', {}), error: 'bore did not come up\nlog' }]), [CASE]);
    expect(text).toContain('- bore, c64, round 1: bore did not come up');
    expect(text).not.toContain('small requests');
  });
});

describe('table', () => {
  it('puts columns of numbers to the right', () => {
    expect(table(['name', 'n'], [['a', '10']])).toBe('| name |   n |\n| ---- | --: |\n| a    |  10 |');
  });
});
