import { GoAwayCode, ResetCode } from '@culvert/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RetryBudget } from './retry-budget.ts';
import { startInstallation } from '../testing/edge-kit.ts';

/** A budget, and what happens to it over time. */
function start(limits: { share: number; least: number }) {
  let now = 0;
  let counted = 0;
  const budget = new RetryBudget(
    limits,
    () => counted,
    () => now,
  );
  return {
    budget,
    pass: (ms: number, requests: number) => {
      now += ms;
      counted += requests;
    },
    /** How many retries go through of so many. */
    spend: (wanted: number) => Array.from({ length: wanted }, () => budget.spend()).filter(Boolean).length,
  };
}

describe('a retry budget', () => {
  it('has its least without a single request, and again after a while', () => {
    const { spend, pass, budget } = start({ share: 20, least: 5 });
    expect(spend(10)).toBe(5);
    expect(budget.exhausted).toBe(true);
    pass(100_000, 0);
    expect(spend(10)).toBe(5);
  });

  it('grows with the requests of the last ten seconds', () => {
    const { spend, pass } = start({ share: 20, least: 0 });
    expect(spend(1)).toBe(0);
    pass(10, 1_000);
    expect(spend(1_000)).toBeCloseTo(200, -1);
    pass(100_000, 0);
    expect(spend(1_000)).toBe(0);
  });

  it('never lets more than its share through in the long run', () => {
    const steps = fc.array(
      fc.record({ ms: fc.integer({ min: 1, max: 2_000 }), requests: fc.nat(500), wanted: fc.nat(500) }),
      { minLength: 50, maxLength: 100 },
    );
    fc.assert(
      fc.property(steps, (all) => {
        const { spend, pass } = start({ share: 20, least: 10 });
        let [retries, requests, ms] = [0, 0, 0];
        for (const step of all) {
          pass(step.ms, step.requests);
          retries += spend(step.wanted);
          requests += step.requests;
          ms += step.ms;
        }
        expect(retries).toBeLessThanOrEqual(0.2 * requests + (10 * ms) / 10_000 + 10 + 100);
      }),
    );
  });
});

describe('an edge without budget left', () => {
  it('tells what went wrong instead of trying again', async () => {
    const { edge } = await startInstallation({ retries: { share: 0, least: 2 } });
    const agents = [await edge.attach(), await edge.attach(), await edge.attach()];
    for (const agent of agents) agent.serve = () => ResetCode.NotDelivered;
    const client = await edge.connect();
    const tries = () => agents.reduce((sum, agent) => sum + agent.streams.length, 0);
    expect((await client.request().response()).fields['x-culvert-error']).toBe('upstream_unreachable');
    expect(tries()).toBe(3);
    expect((await client.request().response()).fields['x-culvert-error']).toBe('upstream_unreachable');
    expect(tries()).toBe(4);
    expect(await edge.metric('culvert_edge_retries_total')).toBe(2);
    expect(await edge.metric('culvert_edge_retries_denied_total')).toBe(2);
  });

  it('still asks somebody else where nobody has taken the request', async () => {
    const { edge } = await startInstallation({ retries: { share: 0, least: 0 } });
    const [full, free] = [await edge.attach(), await edge.attach()];
    full.serve = () => ResetCode.Busy;
    free.serve = (stream) => void stream.ok();
    const client = await edge.connect();
    for (let at = 0; at < 3; at++) expect((await client.request().response()).status).toBe(200);
    full.link.close(GoAwayCode.Leaving, 'done');
  });
});
