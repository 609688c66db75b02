import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GoAwayCode } from '@culvert/wire';
import { Recorder, agentHello, fakeTime, pass, pump, simulatedPair, until } from './testing/link-pair.ts';
import type { Opened, Pair, PairOptions } from './testing/link-pair.ts';
import type { PathOptions, SimulatedPath } from './testing/simulated-path.ts';
import { INITIAL_WINDOW_BYTES, MAX_WINDOW_BYTES, MIN_WINDOW_BYTES, StreamMemory } from './stream-memory.ts';

let pair: Pair & { path: SimulatedPath };
beforeEach(fakeTime);
afterEach(async () => {
  for (const side of [pair.dialer, pair.listener]) side.link.close(GoAwayCode.Leaving, 'test over');
  await pass(2_000);
  expect([pair.dialer.memory.granted, pair.listener.memory.granted], 'windows left behind').toEqual([0, 0]);
  expect(vi.getTimerCount(), 'timers left behind').toBe(0);
  vi.useRealTimers();
});

async function join(path: PathOptions = {}, options: PairOptions = {}): Promise<void> {
  pair = await simulatedPair(path, options);
}

/** A download: opened by the listener (an edge), sent by the dialer (an agent). */
async function download(
  bytes: number,
  recorder = new Recorder(),
  chunkBytes?: number,
): Promise<{ near: Opened; far: Opened }> {
  const before = pair.dialer.owner.accepted.length;
  const near = pair.listener.open({ recorder, last: true });
  await until(() => pair.dialer.owner.accepted.length > before);
  const far = pair.dialer.owner.accepted.at(-1)!;
  pump(far, Buffer.alloc(bytes, 'x'), chunkBytes);
  return { near, far };
}

describe('a consumer that takes nothing', () => {
  it('is sent its window and not a byte more', async () => {
    await join();
    const { near, far } = await download(1_000_000, new Recorder({ takes: false }));
    await pass(10_000);
    expect(near.recorder.untaken).toBe(INITIAL_WINDOW_BYTES);
    expect(far.stream.heldBytes).toBeLessThanOrEqual(65_536);
  });

  it('is sent as much more as it takes', async () => {
    await join();
    const { near } = await download(1_000_000, new Recorder({ takes: false }));
    await pass(1_000);
    near.recorder.take(INITIAL_WINDOW_BYTES / 2);
    await pass(1_000);
    expect(near.recorder.bytes).toBe(1.5 * INITIAL_WINDOW_BYTES);
    expect(near.recorder.untaken).toBe(INITIAL_WINDOW_BYTES);
  });

  it('gets everything once it takes again', async () => {
    await join({ delayMs: 10 });
    const { near } = await download(1_000_000, new Recorder({ takes: false }));
    await pass(3_000);
    near.recorder.takes = true;
    near.recorder.take();
    await until(() => near.recorder.ended);
    expect(near.recorder.bytes).toBe(1_000_000);
  });

  it('pauses the source until what is held has gone', async () => {
    await join();
    const { near, far } = await download(0, new Recorder({ takes: false }));
    void far;
    const up = pair.dialer.open({ recorder: new Recorder() });
    await until(() => pair.listener.owner.accepted.length > 0);
    pair.listener.owner.accepted[0]!.recorder.takes = false;
    expect(up.stream.sendData(Buffer.alloc(65_536), 0, 65_536, false)).toBe(true);
    expect(up.stream.sendData(Buffer.alloc(10), 0, 10, false)).toBe(false);
    await pass(500);
    expect(up.recorder.drains).toBe(0);
    pair.listener.owner.accepted[0]!.recorder.take();
    await until(() => up.recorder.drains > 0);
    expect(up.stream.heldBytes).toBe(0);
    expect(near.recorder.ended).toBe(true);
  });
});

describe('a thousand stalled downloads on one link', () => {
  const limit = 16 << 20;

  it('pin no more than the memory that was set, and do not keep others from running', async () => {
    await join({ delayMs: 2, bytesPerMs: 100_000 }, { memoryBytes: limit });
    const stalled: Opened[] = [];
    for (let count = 0; count < 1_000; count++) {
      const recorder = new Recorder({ takes: false });
      stalled.push(pair.listener.open({ recorder, last: true }));
    }
    await until(() => pair.dialer.owner.accepted.length === 1_000);
    for (const far of pair.dialer.owner.accepted) pump(far, Buffer.alloc(100_000), 20_000);
    await pass(3_000);
    const bound = limit + stalled.length * MIN_WINDOW_BYTES;
    expect(pair.listener.memory.granted).toBeLessThanOrEqual(bound);
    expect(stalled.reduce((sum, { recorder }) => sum + recorder.untaken, 0)).toBeLessThanOrEqual(bound);
    expect(stalled.every(({ recorder }) => recorder.untaken >= MIN_WINDOW_BYTES)).toBe(true);

    const active = [await download(2_000_000), await download(2_000_000)];
    await until(() => active.every(({ near }) => near.recorder.ended), 10_000);
    expect(active.map(({ near }) => near.recorder.bytes)).toEqual([2_000_000, 2_000_000]);
    expect(pair.listener.memory.granted).toBeLessThanOrEqual(bound + 2 * MIN_WINDOW_BYTES);
    expect(pair.path.dialer.backlog).toBe(0);
  });
});

describe('the window', () => {
  const delayMs = 50;
  const bytesPerMs = 12_500;
  const product = bytesPerMs * 2 * delayMs;

  it('grows to about the bandwidth-delay product of a long path, not far beyond, and fills the path', async () => {
    await join({ delayMs, bytesPerMs });
    const { near } = await download(30_000_000);
    await until(() => near.recorder.bytes > 5_000_000);
    const from = performance.now();
    const already = near.recorder.bytes;
    await until(() => near.recorder.bytes > 25_000_000);
    const perMs = (near.recorder.bytes - already) / (performance.now() - from);
    expect(perMs / bytesPerMs).toBeGreaterThan(0.9);
    expect(pair.listener.memory.granted / product).toBeGreaterThan(1);
    expect(pair.listener.memory.granted / product).toBeLessThan(8);
    await until(() => near.recorder.ended);
  });

  it('stays as it was where the path is slow', async () => {
    await join({ delayMs, bytesPerMs: 100 });
    const { near } = await download(500_000);
    await until(() => near.recorder.bytes > 400_000);
    expect(pair.listener.memory.granted).toBe(INITIAL_WINDOW_BYTES);
  });

  it('stays as it was where the consumer is slow', async () => {
    await join({ delayMs, bytesPerMs });
    const { near } = await download(500_000, new Recorder({ takes: false }));
    for (let step = 0; step < 60; step++) {
      await pass(50);
      near.recorder.take(Math.min(near.recorder.untaken, 5_000));
    }
    expect(pair.listener.memory.granted).toBe(INITIAL_WINDOW_BYTES);
  });

  it('of an upload grows as well', async () => {
    await join({ delayMs, bytesPerMs });
    const near = pair.listener.open();
    await until(() => pair.dialer.owner.accepted.length === 1);
    pump(near, Buffer.alloc(10_000_000));
    await until(() => pair.dialer.owner.accepted[0]!.recorder.bytes > 9_000_000);
    expect(pair.dialer.memory.granted).toBeGreaterThan(product);
  });

  it('does not grow when the memory is used up, and the stream goes on', async () => {
    await join({ delayMs, bytesPerMs }, { memoryBytes: 200_000 });
    const { near } = await download(3_000_000);
    await until(() => near.recorder.ended, 60_000);
    expect(near.recorder.bytes).toBe(3_000_000);
  });

  it('told in the handshake is what the other side keeps to', async () => {
    await join({}, { dial: { hello: { ...agentHello, window: 3_000 } } });
    pair.dialer.owner.recorder = () => new Recorder({ takes: false });
    const near = pair.listener.open({ body: Buffer.alloc(10_000) });
    await pass(1_000);
    expect(pair.dialer.owner.accepted[0]!.recorder.untaken).toBe(3_000);
    expect(near.stream.heldBytes).toBe(7_000);
  });
});

describe('a link that has enough to write', () => {
  it('serves busy streams by turns, and a small one between them', async () => {
    await join({ delayMs: 5, bytesPerMs: 1_000 });
    const window = 8 << 20;
    const busy = [0, 1].map(() => pair.listener.open({ meta: { window }, last: true }));
    await until(() => pair.dialer.owner.accepted.length === 2);
    for (const far of pair.dialer.owner.accepted) pump(far, Buffer.alloc(6_000_000));
    await pass(2_000);
    const asked = performance.now();
    const { near: small } = await download(1_000);
    await until(() => small.recorder.ended);
    expect(performance.now() - asked).toBeLessThan(600);
    const before = busy.map(({ recorder }) => recorder.bytes);
    for (let step = 0; step < 5; step++) {
      await pass(1_000);
      const [a, b] = busy.map(({ recorder }, index) => recorder.bytes - before[index]!);
      expect(Math.abs(a! - b!)).toBeLessThan(200_000);
    }
    await until(() => busy.every(({ recorder }) => recorder.ended));
  });

  it('has a bound on what it hands to a network that takes nothing', async () => {
    await join();
    const window = 8 << 20;
    for (let count = 0; count < 20; count++) pair.listener.open({ meta: { window }, last: true });
    await until(() => pair.dialer.owner.accepted.length === 20);
    pair.path.dialer.block();
    for (const far of pair.dialer.owner.accepted) pump(far, Buffer.alloc(1_000_000));
    await pass(1_000);
    expect(pair.path.dialer.backlog).toBeLessThan(420_000);
    pair.path.dialer.unblock();
  });
});

describe('the bytes of streams', () => {
  const upTo = (max: number) => fc.integer({ min: 1, max });
  const stream = fc.record({
    bytes: upTo(300_000),
    chunk: fc.integer({ min: 20, max: 70_000 }),
    pauseEvery: fc.integer({ min: 500, max: 80_000 }),
    fill: fc.nat(255),
  });

  it('arrive complete and in order, however they are cut, paused and mixed', async () => {
    await join();
    await fc.assert(
      fc.asyncProperty(
        fc.array(stream, { minLength: 1, maxLength: 5 }),
        fc.array(upTo(9_000), { minLength: 1, maxLength: 5 }),
        fc.constantFrom(undefined, 500, 20_000),
        async (streams, pieces, bytesPerMs) => {
          const own = await simulatedPair({
            delayMs: 3,
            pieces,
            ...(bytesPerMs === undefined ? {} : { bytesPerMs }),
          });
          own.dialer.owner.recorder = () => new Recorder({ takes: false });
          const sent = streams.map((plan) => {
            const source = Buffer.alloc(plan.bytes).map(
              (_, at) => (at * 31 + (at >> 8) + plan.fill) & 0xff,
            ) as Buffer;
            const near = own.listener.open();
            pump(near, Buffer.from(source), plan.chunk);
            return Buffer.from(source);
          });
          await until(() => own.dialer.owner.accepted.length === streams.length);
          const arrived = own.dialer.owner.accepted.map(({ recorder }) => recorder);
          for (let step = 0; !arrived.every(({ ended }) => ended); step++) {
            await pass(5);
            arrived.forEach((recorder, index) =>
              recorder.take(Math.min(recorder.untaken, streams[index]!.pauseEvery)),
            );
            expect(step).toBeLessThan(50_000);
          }
          const expected = sent.map((source) => {
            const all = new Recorder({ takes: false });
            all.onData(source, 0, source.length);
            return all.hash;
          });
          expect(arrived.map(({ hash }) => hash)).toEqual(expected);
          own.dialer.link.close(GoAwayCode.Leaving, '');
          await pass(2_000);
        },
      ),
      { numRuns: 25 },
    );
  }, 60_000);
});

describe('StreamMemory', () => {
  it('lets a stream begin with more on a long path, until a quarter of the memory is granted', () => {
    const memory = new StreamMemory(1 << 28);
    expect(memory.grantFirst(1)).toBe(INITIAL_WINDOW_BYTES);
    const first = memory.grantFirst(100);
    expect(first).toBe(1 << 20);
    while (memory.granted < 1 << 26) memory.grantFirst(100);
    expect(memory.grantFirst(100)).toBe(INITIAL_WINDOW_BYTES);
    expect(new StreamMemory(1 << 28, 1 << 18).grantFirst(100)).toBe(1 << 18);
  });

  it('grants within its limit, but for the smallest window of each stream', async () => {
    await join();
    const steps = fc.array(
      fc.record({ open: fc.boolean(), grow: fc.nat(20), path: fc.constantFrom(0, 100) }),
      { maxLength: 300 },
    );
    fc.assert(
      fc.property(fc.integer({ min: 1 << 17, max: 1 << 26 }), steps, (limit, plan) => {
        const memory = new StreamMemory(limit);
        const windows: number[] = [];
        for (const { open, grow, path } of plan) {
          if (open) windows.push(memory.grantFirst(path));
          else if (windows.length > 0) {
            const index = grow % windows.length;
            const size = windows[index]!;
            if (memory.tryGrow(size, size)) windows[index] = 2 * size;
            expect(windows[index]).toBeLessThanOrEqual(MAX_WINDOW_BYTES);
          }
          expect(memory.granted).toBe(windows.reduce((sum, size) => sum + size, 0));
          expect(memory.granted).toBeLessThanOrEqual(limit + MIN_WINDOW_BYTES * windows.length);
        }
        for (const size of windows) memory.release(size);
        expect(memory.granted).toBe(0);
      }),
    );
  });
});
