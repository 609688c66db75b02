import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GoAwayCode, ResetCode, isUndelivered } from '@culvert/wire';
import { fakeTime, pass, simulatedPair, until } from './testing/link-pair.ts';
import type { Pair } from './testing/link-pair.ts';

beforeEach(fakeTime);
afterEach(() => {
  expect(vi.getTimerCount(), 'timers left behind').toBe(0);
  vi.useRealTimers();
});

const draining = { code: GoAwayCode.Draining, retryAfterMs: 0, text: 'the agent restarts' };
const ended = (pair: Pair) => pair.dialer.owner.ends.length + pair.listener.owner.ends.length === 2;

describe('a link that goes away', () => {
  it('closes at once when nothing runs, and both owners know why', async () => {
    const pair = await simulatedPair({ delayMs: 20 });
    pair.dialer.link.goAway(draining);
    await until(() => ended(pair), 1_000);
    expect(pair.listener.owner.goAways).toEqual([draining]);
    expect(pair.dialer.owner.ends).toEqual([{ code: GoAwayCode.Draining, text: draining.text, by: 'us' }]);
    expect(pair.listener.owner.ends).toEqual([
      { code: GoAwayCode.Draining, text: draining.text, by: 'peer' },
    ]);
  });

  it('takes no new streams on either side, and lets the running ones finish', async () => {
    const pair = await simulatedPair({ delayMs: 20 });
    const near = pair.listener.open();
    await until(() => pair.dialer.owner.accepted.length === 1);
    const far = pair.dialer.owner.accepted[0]!;
    pair.dialer.link.goAway(draining);
    expect(pair.dialer.link.available).toBe(false);
    await pass(5_000);
    expect(pair.listener.link.available).toBe(false);
    far.stream.sendData(Buffer.from('answer'), 0, 6, true);
    near.stream.sendEnd();
    await until(() => ended(pair), 1_000);
    expect(near.recorder.calls).toEqual(['accept', 'data', 'end']);
    expect(far.recorder.calls).toEqual(['end']);
  });

  it('refuses what was opened before it was heard, with a code that is safe to repeat', async () => {
    const pair = await simulatedPair({ delayMs: 50 });
    pair.dialer.link.goAway(draining);
    await pass(20);
    const near = pair.listener.open({ body: Buffer.from('POST'), last: true });
    await until(() => near.recorder.resetCode !== undefined, 1_000);
    expect(near.recorder.resetCode).toBe(ResetCode.Refused);
    expect(isUndelivered(near.recorder.resetCode!)).toBe(true);
    await until(() => ended(pair), 1_000);
  });

  it('lets a stream finish that was opened before it was told', async () => {
    const pair = await simulatedPair({ delayMs: 50 });
    const near = pair.listener.open({ last: true });
    await until(() => pair.dialer.owner.accepted.length === 1);
    pair.listener.link.goAway(draining);
    await pass(500);
    pair.dialer.owner.accepted[0]!.stream.sendEnd();
    await until(() => ended(pair), 1_000);
    expect(near.recorder.calls).toEqual(['accept', 'end']);
  });

  it('closes when both sides say so at once', async () => {
    const pair = await simulatedPair({ delayMs: 20 });
    pair.dialer.link.goAway(draining);
    pair.listener.link.goAway(draining);
    pair.listener.link.goAway(draining);
    await until(() => ended(pair), 1_000);
    expect(pair.dialer.owner.goAways).toHaveLength(1);
  });

  it('closes within six seconds when the other side does not answer', async () => {
    const pair = await simulatedPair();
    pair.path.listener.block();
    pair.dialer.link.goAway(draining);
    await until(() => pair.dialer.owner.ends.length === 1, 6_000);
    pair.path.listener.destroy();
    await until(() => ended(pair), 1_000);
  });
});
