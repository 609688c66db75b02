import { createHash, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '@culvert/testkit';
import { GoAwayCode, ResetCode } from '@culvert/wire';
import type { Carrier } from './carrier.ts';
import { Recorder, joinPair, peerHello, pump } from './testing/link-pair.ts';
import type { Pair, PairOptions } from './testing/link-pair.ts';

/** Two connected carriers, and how to get rid of what is below them. */
export interface ConnectedCarriers {
  readonly dialer: Carrier;
  readonly listener: Carrier;
  /** Whether the preface has been read from the listener's already. */
  readonly preface?: 'read' | 'ahead';
  close(): Promise<void>;
}

/** What a link needs of whatever carries it. */
export function carrierContract(name: string, connect: () => Promise<ConnectedCarriers>): void {
  describe(`a link over ${name}`, () => {
    let carriers: ConnectedCarriers;
    let pair: Pair;

    async function join(options: PairOptions = {}): Promise<void> {
      const preface = carriers.preface ?? 'ahead';
      pair = joinPair(carriers, { ...options, accept: { preface, ...options.accept } });
      await eventually(() => pair.dialer.attached !== undefined && pair.listener.attached !== undefined);
    }

    beforeEach(async () => {
      carriers = await connect();
    });
    afterEach(() => carriers.close());

    it('carries an exchange, and ends on both sides with the reason', async () => {
      await join();
      const near = pair.listener.open({ body: Buffer.from('question'), last: true });
      await eventually(() => pair.dialer.owner.accepted[0]?.recorder.ended);
      const far = pair.dialer.owner.accepted[0]!;
      far.stream.sendHead('HTTP/1.1 200 OK\r\n\r\n', Buffer.from('answer'), 0, 6, true);
      await eventually(() => near.recorder.ended);
      expect(near.recorder.calls).toEqual(['head HTTP/1.1 200 OK\r\n\r\n', 'data', 'end']);
      pair.dialer.link.close(GoAwayCode.Leaving, 'bye');
      await eventually(() => pair.listener.owner.ends.length > 0 && pair.dialer.owner.ends.length > 0);
      expect(pair.listener.owner.ends).toEqual([{ code: GoAwayCode.Leaving, text: 'bye', by: 'peer' }]);
    });

    it('carries many streams in both directions at once, unchanged', async () => {
      await join();
      const sources = Array.from({ length: 6 }, (_, index) => randomBytes(1_500_000 + index));
      const ups = sources.map((source, index) => {
        const opened = (index % 2 === 0 ? pair.dialer : pair.listener).open();
        pump(opened, source, 40_000 + 7 * index);
        return opened;
      });
      const accepted = () => [...pair.dialer.owner.accepted, ...pair.listener.owner.accepted];
      await eventually(() => accepted().length === 6 && accepted().every(({ recorder }) => recorder.ended), {
        timeoutMs: 20_000,
      });
      const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
      expect(
        accepted()
          .map(({ recorder }) => recorder.hash)
          .sort(),
      ).toEqual(sources.map(hash).sort());
      expect(ups.every(({ stream }) => stream.heldBytes === 0)).toBe(true);
    });

    it('keeps a stalled stream from holding up another', async () => {
      await join();
      const stalled = pair.listener.open({ recorder: new Recorder({ takes: false }), last: true });
      const running = pair.listener.open({ last: true });
      await eventually(() => pair.dialer.owner.accepted.length === 2);
      for (const far of pair.dialer.owner.accepted) pump(far, Buffer.alloc(3_000_000));
      await eventually(() => running.recorder.ended, { timeoutMs: 20_000 });
      expect(running.recorder.bytes).toBe(3_000_000);
      expect(stalled.recorder.untaken).toBeLessThanOrEqual(65_536);
      stalled.recorder.takes = true;
      stalled.recorder.take();
      await eventually(() => stalled.recorder.ended, { timeoutMs: 20_000 });
    });

    it('delivers what was written before the end', async () => {
      await join();
      const near = pair.listener.open({ last: true, meta: { window: 1 << 20 } });
      await eventually(() => pair.dialer.owner.accepted.length === 1);
      const far = pair.dialer.owner.accepted[0]!;
      pump(far, Buffer.alloc(1_000_000));
      pair.dialer.link.goAway({ code: GoAwayCode.Draining, retryAfterMs: 0, text: 'drain' });
      await eventually(() => pair.listener.owner.ends.length > 0 && pair.dialer.owner.ends.length > 0);
      expect(near.recorder.bytes).toBe(1_000_000);
      expect(near.recorder.ended).toBe(true);
      expect(near.recorder.resetCode).toBeUndefined();
    });

    it('is lost on both sides when one destroys it', async () => {
      await join();
      const near = pair.listener.open();
      await eventually(() => pair.dialer.owner.accepted.length === 1);
      carriers.dialer.destroy();
      await eventually(() => pair.listener.owner.ends.length > 0 && pair.dialer.owner.ends.length > 0);
      expect(near.recorder.resetCode).toBe(ResetCode.LinkLost);
      expect(pair.dialer.owner.accepted[0]!.recorder.resetCode).toBe(ResetCode.LinkLost);
      expect([pair.listener.owner.ends.length, pair.dialer.owner.ends.length]).toEqual([1, 1]);
    });

    it('is known to be lost when that happened before it began', async () => {
      const ends: unknown[] = [];
      carriers.dialer.destroy();
      const sink = { onBytes: () => undefined, onDrain: () => undefined };
      let gone = false;
      carriers.listener.start({ ...sink, onClose: () => (gone = true) });
      await eventually(() => gone);
      carriers.dialer.start({ ...sink, onClose: (error) => ends.push(error) });
      await eventually(() => ends.length > 0);
      expect(ends).toHaveLength(1);
    });

    it('joins two edges that know the same secret', async () => {
      await join({ dial: { hello: peerHello, secret: 's' }, accept: { secret: 's' } });
      expect(pair.listener.link.available).toBe(true);
    });

    it('counts its bytes the same on both sides', async () => {
      await join();
      const near = pair.listener.open({ body: Buffer.alloc(10_000), last: true });
      await eventually(() => pair.dialer.owner.accepted[0]?.recorder.ended);
      pair.dialer.owner.accepted[0]!.stream.sendEnd();
      await eventually(() => near.recorder.ended);
      await eventually(() => pair.dialer.link.counters.bytesIn === pair.listener.link.counters.bytesOut);
      expect(pair.dialer.link.counters.bytesIn).toBeGreaterThan(10_000);
    });
  });
}
