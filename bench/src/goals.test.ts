import { describe, expect, it } from 'vitest';
import { everyCase } from './cases/every-case.ts';
import { goals, judge, type Goal, type Outcome } from './goals.ts';
import type { Book, Run } from './record.ts';
import type { Figures } from './statistics.ts';

function bookOf(runs: readonly (readonly [contestant: string, name: string, figures: Figures])[]): Book {
  const names = [...new Set(runs.map(([contestant]) => contestant))];
  const contestants = names.map((name) => ({ name, version: '1', setup: '' }));
  return {
    heading: { at: '', command: '', machine: '', tools: [], contestants },
    runs: runs.map(([contestant, name, figures]): Run => {
      return { contestant, case: name, round: 1, attempt: 1, noise: 0, figures };
    }),
  };
}

function outcomeOf(title: string, book: Book): Outcome | undefined {
  return judge(book).find(({ goal }) => goal.title === title);
}

const speed = (culvert: number, frp: number): Book =>
  bookOf([
    ['culvert', 'c64', { perSecond: culvert }],
    ['frp', 'c64', { perSecond: frp }],
  ]);

describe('judge', () => {
  it('passes a goal reached exactly and misses it just below', () => {
    expect(outcomeOf('requests/s, to frp', speed(800, 100))).toMatchObject({ result: 'pass', value: 8 });
    expect(outcomeOf('requests/s, to frp', speed(799, 100))).toMatchObject({
      result: 'miss',
      against: 'frp',
    });
  });

  it('skips a goal whose other side was not measured', () => {
    expect(outcomeOf('requests/s, to piko', speed(800, 100))).toMatchObject({ result: 'skipped' });
  });

  it('compares with bore where rathole was not measured', () => {
    const book = bookOf([
      ['culvert', 'c1', { p50: 0.3 }],
      ['bore', 'c1', { p50: 0.1 }],
    ]);
    expect(outcomeOf('p50, to a raw tunnel', book)).toMatchObject({ result: 'miss', against: 'bore' });
  });

  it('holds a plain limit against the figure itself', () => {
    const goal = 'edge ready at its second start, ms';
    const book = (serverReady: number): Book => bookOf([['culvert', 'start', { serverReady }]]);
    expect(outcomeOf(goal, book(700))).toMatchObject({ result: 'pass' });
    expect(outcomeOf(goal, book(701))).toMatchObject({ result: 'miss' });
  });

  it('asks only for cases that the bench knows', () => {
    const known = new Set(everyCase.map(({ name }) => name));
    expect(goals.filter((goal: Goal) => !known.has(goal.case))).toEqual([]);
  });
});
