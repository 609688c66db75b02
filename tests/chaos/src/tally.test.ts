import { expect, it } from 'vitest';
import type { Outcome } from './outcome.ts';
import { tally } from './tally.ts';

const outcome = (endedAt: number, more: Partial<Outcome> = {}): Outcome => ({
  kind: 'get',
  beganAt: endedAt - 5,
  endedAt,
  result: 'ok',
  ...more,
});
const SPAN = { from: 0, faultAt: 100, to: 400 };

it('the longest gap is between answers that were right, or to the end', () => {
  const failing = outcome(200, { result: 'failed', why: 'ECONNRESET' });
  expect(tally([outcome(10), outcome(150), failing, outcome(310)], SPAN).longestGapMs).toBe(160);
  expect(tally([outcome(10)], SPAN).longestGapMs).toBe(390);
  expect(tally([], SPAN).longestGapMs).toBe(400);
});

it('slow is what small requests were that succeeded', () => {
  const outcomes = [
    outcome(90, { beganAt: 50 }),
    outcome(300, { beganAt: 0, kind: 'download' }),
    outcome(300, { beganAt: 0, result: 'failed' }),
  ];
  expect(tally(outcomes, SPAN).slowestMs).toBe(40);
});

it('it has healed with the last failure after the fault', () => {
  const why = '502 agent_lost';
  const outcomes = [160, 130, 190].map((at) => outcome(at, { result: 'failed', why }));
  const { healMs, failed, failures } = tally([...outcomes, outcome(390)], SPAN);
  expect([healMs, failed]).toEqual([90, 3]);
  expect(failures).toEqual([{ kind: 'get', result: 'failed', why, count: 3, firstMs: 30, lastMs: 90 }]);
  expect(tally([outcome(390)], SPAN).healMs).toBe(0);
});

it('what raced with a close is neither failed nor wrong', () => {
  const { failed, wrong, raced, requests } = tally([outcome(150, { result: 'raced' }), outcome(160)], SPAN);
  expect({ failed, wrong, raced, requests }).toEqual({ failed: 0, wrong: 0, raced: 1, requests: 2 });
});
