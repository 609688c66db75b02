import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ResetBudget } from './reset-budget.ts';

const resetsUntilSpent = (budget: ResetBudget, now: number): number => {
  let resets = 0;
  while (budget.onReset(now)) resets++;
  return resets;
};

describe('a client that gives up its streams', () => {
  it('at once is stopped after a burst', () => {
    expect(resetsUntilSpent(new ResetBudget(0), 0)).toBe(200);
  });

  it('is forgiven some with time, but never more than a burst', () => {
    const budget = new ResetBudget(0);
    resetsUntilSpent(budget, 0);
    expect(resetsUntilSpent(budget, 1_000)).toBe(19);
    expect(resetsUntilSpent(budget, 1_000_000)).toBe(200);
  });

  it('may give up no fewer than it lets be answered', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 1_000 }), (answers) => {
        const budget = new ResetBudget(0);
        let balance = 0;
        for (const answered of answers) {
          balance += answered ? -1 : 1;
          if (answered) budget.onAnswered();
          else if (!budget.onReset(0)) return balance > 100;
        }
        return true;
      }),
    );
  });
});
