import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GoAwayCode, Kind, ResetCode } from '@culvert/wire';
import { Keepalive } from './keepalive.ts';
import { Recorder, fakeTime, pass, pump, simulatedPair, until } from './testing/link-pair.ts';
import type { SimulatedPath } from './testing/simulated-path.ts';

beforeEach(fakeTime);
afterEach(() => {
  expect(vi.getTimerCount(), 'timers left behind').toBe(0);
  vi.useRealTimers();
});

function keepalive() {
  const pings: Buffer[] = [];
  const told = { dead: 0 };
  const alive = new Keepalive({ ping: (payload) => pings.push(payload), dead: () => told.dead++ });
  alive.start();
  return { alive, pings, told };
}

/** The network swallows everything, and says nothing of it. */
function silence(path: SimulatedPath): void {
  path.dialer.block();
  path.listener.block();
}

describe('Keepalive', () => {
  it('pings at its start and every two seconds while the other side speaks', async () => {
    const { alive, pings, told } = keepalive();
    for (let second = 0; second < 60; second++) {
      await pass(1_000);
      alive.heard();
    }
    expect(pings.length).toBe(31);
    expect(told.dead).toBe(0);
    alive.stop();
  });

  it.each([0, 1, 700, 1_999, 2_000])(
    'calls a link dead within six seconds of the last sound, heard at %i ms',
    async (at) => {
      const { alive, told } = keepalive();
      await pass(at);
      alive.heard();
      await pass(3_900);
      expect(told.dead).toBe(0);
      await pass(2_100);
      expect(told.dead).toBe(1);
      alive.stop();
    },
  );

  it('pings out of turn when it is to probe, once until anything is heard', async () => {
    const { alive, pings, told } = keepalive();
    await pass(500);
    for (let probes = 0; probes < 3; probes++) alive.probe();
    expect(pings.length).toBe(2);
    await pass(100);
    alive.heard();
    alive.probe();
    expect(pings.length).toBe(3);
    await pass(3_000);
    expect(told.dead).toBe(0);
    alive.stop();
  });

  it('that is to verify calls a link dead at the end of the time, unless anything is heard', async () => {
    const { alive, pings, told } = keepalive();
    await pass(100);
    alive.heard();
    alive.verify(1_000);
    expect(pings.length).toBe(2);
    await pass(300);
    alive.heard();
    await pass(1_000);
    expect(told.dead).toBe(0);
    alive.verify(1_000);
    alive.verify(1_000);
    await pass(999);
    expect(told.dead).toBe(0);
    await pass(1);
    expect(told.dead).toBe(1);
    alive.stop();
  });

  it('knows the smallest round trip of late', async () => {
    const { alive, pings } = keepalive();
    for (const delay of [80, 30, 50]) {
      await pass(delay);
      alive.pong(pings.at(-1)!);
      alive.heard();
      await pass(2_000 - delay);
    }
    expect(alive.roundTripMs).toBeCloseTo(30, 0);
    alive.stop();
  });

  it('believes no pong that answers none of its pings', async () => {
    const { alive, pings } = keepalive();
    const forged = Buffer.alloc(8);
    forged.writeDoubleBE(-1e9);
    await pass(30);
    alive.pong(forged);
    alive.pong(Buffer.alloc(3));
    alive.pong(pings[0]!);
    await pass(500);
    alive.pong(pings[0]!);
    expect(alive.roundTripMs).toBeCloseTo(30, 0);
    alive.stop();
  });
});

describe('a link', () => {
  it('that falls silent is closed within six seconds on both sides, and its streams are reset', async () => {
    const pair = await simulatedPair({ delayMs: 10 });
    const near = pair.listener.open();
    await pass(3_000);
    silence(pair.path);
    await pass(6_011);
    expect(pair.listener.owner.ends).toMatchObject([{ code: GoAwayCode.Timeout, by: 'us' }]);
    expect(pair.dialer.owner.ends).toMatchObject([{ code: GoAwayCode.Timeout, by: 'us' }]);
    expect(near.recorder.resetCode).toBe(ResetCode.LinkLost);
  });

  it('stays open without a stream for as long as pongs come', async () => {
    const pair = await simulatedPair({ delayMs: 400 });
    await pass(120_000);
    expect([pair.dialer.link.closed, pair.listener.link.closed]).toEqual([false, false]);
    pair.dialer.link.close(GoAwayCode.Leaving, '');
    await pass(2_000);
  });

  it('does not let pings wait behind the data of its streams', async () => {
    const bytesPerMs = 1_000;
    const pair = await simulatedPair({ delayMs: 5, bytesPerMs });
    const upload = pair.dialer.open({ recorder: new Recorder() });
    pump(upload, Buffer.alloc(8_000_000));
    await until(() => pair.listener.owner.accepted[0]?.recorder.ended === true);
    // What a ping can find ahead of it is what the link was willing to hand to the network.
    expect(pair.path.dialer.largestBacklog).toBeLessThan(420_000);
    expect(pair.dialer.link.roundTripMs).toBeLessThan(450);
    pair.dialer.link.close(GoAwayCode.Leaving, '');
    await pass(2_000);
  });

  it('pings on its own, before anything else of the turn', async () => {
    const pair = await simulatedPair();
    const before = pair.path.dialer.written.length;
    await pass(2_000);
    expect(pair.path.dialer.written.slice(before).some((bytes) => bytes[0] === Kind.Ping)).toBe(true);
    pair.dialer.link.close(GoAwayCode.Leaving, '');
    await pass(2_000);
  });
});
