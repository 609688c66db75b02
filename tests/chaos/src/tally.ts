import { QUICK } from './outcome.ts';
import type { KindName, Outcome } from './outcome.ts';

/** What became of the requests of one trial. */
export interface Tally {
  readonly requests: number;
  readonly failed: number;
  readonly wrong: number;
  readonly raced: number;
  /** Longest time without a small request that succeeded, ms. */
  readonly longestGapMs: number;
  /** Slowest small request that succeeded, ms. */
  readonly slowestMs: number;
  /** From the fault to the end of the last request that failed; 0: none did. */
  readonly healMs: number;
  readonly failures: readonly Failure[];
  readonly byKind: Readonly<Partial<Record<KindName, number>>>;
}

/** All that failed, or was wrong, in the same way. */
export interface Failure {
  readonly kind: KindName;
  readonly result: 'failed' | 'wrong' | 'raced';
  readonly why: string;
  readonly count: number;
  /** When the first and last ended, ms after the fault. */
  readonly firstMs: number;
  readonly lastMs: number;
}

/** @param span when the load began and ended and when the fault happened, ms on the outcomes' clock */
export function tally(
  outcomes: readonly Outcome[],
  span: { readonly from: number; readonly faultAt: number; readonly to: number },
): Tally {
  const count = (result: Outcome['result']): number => outcomes.filter((one) => one.result === result).length;
  const quick = outcomes.filter(({ kind, result }) => result === 'ok' && QUICK.includes(kind));
  const bad = outcomes.filter(({ result }) => result === 'failed' || result === 'wrong');
  const lastBadAt = Math.max(span.faultAt, ...bad.map(({ endedAt }) => endedAt));
  const byKind: Partial<Record<KindName, number>> = {};
  for (const { kind } of outcomes) byKind[kind] = (byKind[kind] ?? 0) + 1;
  return {
    requests: outcomes.length,
    failed: count('failed'),
    wrong: count('wrong'),
    raced: count('raced'),
    longestGapMs: Math.round(
      longestGap(
        quick.map(({ endedAt }) => endedAt),
        span,
      ),
    ),
    slowestMs: Math.round(Math.max(0, ...quick.map(({ beganAt, endedAt }) => endedAt - beganAt))),
    healMs: Math.round(lastBadAt - span.faultAt),
    failures: failuresOf(outcomes, span.faultAt),
    byKind,
  };
}

function longestGap(times: readonly number[], { from, to }: { from: number; to: number }): number {
  const inOrder = [...times.filter((at) => at >= from && at <= to), to].sort((a, b) => a - b);
  let longest = 0;
  let last = from;
  for (const at of inOrder) {
    longest = Math.max(longest, at - last);
    last = at;
  }
  return longest;
}

function failuresOf(outcomes: readonly Outcome[], faultAt: number): Failure[] {
  const failures = new Map<string, Failure>();
  for (const { kind, result, why = '', endedAt } of outcomes) {
    if (result === 'ok') continue;
    const key = `${kind} ${result} ${why}`;
    const at = Math.round(endedAt - faultAt);
    const { count, firstMs, lastMs } = failures.get(key) ?? { count: 0, firstMs: at, lastMs: at };
    const span = { firstMs: Math.min(firstMs, at), lastMs: Math.max(lastMs, at) };
    failures.set(key, { kind, result, why, count: count + 1, ...span });
  }
  return [...failures.values()];
}
