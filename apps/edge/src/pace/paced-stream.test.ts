import type { LinkStream, StreamConsumer } from '@culvert/link';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Pacer } from './pacer.ts';
import type { Paced } from './pacer.ts';
import { PacedStream } from './paced-stream.ts';
import { TokenBucket } from './token-bucket.ts';

/** A pacer whose time passes as a test says. */
class StillPacer extends Pacer {
  nowMs = 0;
  readonly #waiting = new Set<Paced>();

  override now(): number {
    return this.nowMs;
  }

  override wait(paced: Paced): void {
    this.#waiting.add(paced);
  }

  override forget(paced: Paced): void {
    this.#waiting.delete(paced);
  }

  pass(ms: number): void {
    this.nowMs += ms;
    for (const paced of this.#waiting) if (paced.release(this.nowMs)) this.#waiting.delete(paced);
  }

  override get waiting(): number {
    return this.#waiting.size;
  }
}

/** Notes what it is called with, as text. */
class Recorder {
  readonly calls: string[] = [];
  heldBytes = 0;
  bytes = 0;

  readonly note =
    (name: string) =>
    (...args: unknown[]): boolean => {
      const [buffer, start, end] = args;
      const text = buffer instanceof Buffer ? buffer.toString('latin1', start as number, end as number) : '';
      this.bytes += text.length;
      this.calls.push(
        buffer instanceof Buffer ? `${name} ${text.length}${args.at(-1) === true ? ' last' : ''}` : name,
      );
      return true;
    };
}

function start(rates: { up?: number; down?: number }) {
  const pacer = new StillPacer();
  const user = new Recorder();
  const link = new Recorder();
  const consumer = {
    onHead: (buffer: Buffer, from: number, headEnd: number, end: number, last: boolean) =>
      void user.note('head')(buffer, headEnd, end, last),
    onData: user.note('data'),
    onTrailers: user.note('trailers'),
    onEnd: user.note('end'),
    onReset: user.note('reset'),
    onDrain: user.note('drain'),
  } as unknown as StreamConsumer;
  const stream = {
    sendData: link.note('data'),
    sendEnd: link.note('end'),
    sendTrailers: link.note('trailers'),
    reset: link.note('reset'),
    taken: link.note('taken'),
    get heldBytes() {
      return link.heldBytes;
    },
  } as unknown as LinkStream;
  const paced = new PacedStream(pacer, { up: rates.up ?? Infinity, down: rates.down ?? Infinity }, consumer);
  paced.opened(stream, 0);
  return { pacer, user, link, stream, paced };
}

const bytes = (length: number): Buffer => Buffer.alloc(length, 'x');

describe('a token bucket', () => {
  it('lets its rate pass over any time, and a short burst', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1_000, max: 10_000_000 }),
        fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 100 }),
        (rate, pauses) => {
          const bucket = new TokenBucket(rate, 0);
          const burst = Math.max(rate / 8, 1_024);
          let now = 0;
          let passed = 0;
          for (const pause of pauses) {
            now += pause;
            passed += bucket.take(1e9, now);
            expect(passed).toBeLessThanOrEqual((now * rate) / 1_000 + burst);
          }
          if (pauses.every((pause) => pause <= 100)) {
            expect(passed).toBeGreaterThanOrEqual((now * rate) / 1_000 - pauses.length);
          }
        },
      ),
    );
  });

  it('waits for what was spent before', () => {
    const bucket = new TokenBucket(1_000, 0);
    bucket.spend(3_024, 0);
    expect(bucket.take(10, 1_999)).toBe(0);
    expect(bucket.take(1_000, 2_500)).toBe(500);
  });
});

describe('a stream with a rate for what comes', () => {
  it('passes a burst at once, the rest in time, and its end behind it', () => {
    const { pacer, user, paced } = start({ down: 10_000 });
    paced.onHead(bytes(10), 0, 10, 10, false);
    paced.onData(bytes(5_000), 0, 5_000);
    paced.onTrailers('A: b');
    paced.onEnd();
    expect(user.calls).toEqual(['head 0', 'data 1250']);
    pacer.pass(100);
    expect(user.bytes).toBe(2_250);
    pacer.pass(100);
    pacer.pass(100);
    expect([user.bytes, user.calls.at(-1)]).toEqual([4_250, 'data 1000']);
    pacer.pass(100);
    expect([user.bytes, user.calls.slice(-3)]).toEqual([5_000, ['data 750', 'trailers', 'end']]);
    expect(pacer.waiting).toBe(0);
  });

  it('ends at once where nothing waits', () => {
    const { user, paced, pacer } = start({ down: 10_000 });
    paced.onHead(bytes(10), 0, 5, 10, true);
    paced.onEnd();
    expect(user.calls).toEqual(['head 5 last', 'end']);
    expect(pacer.waiting).toBe(0);
  });

  it('drops what waits when it is reset before its end', () => {
    const { pacer, user, paced } = start({ down: 10_000 });
    paced.onData(bytes(5_000), 0, 5_000);
    paced.onReset(3, '');
    pacer.pass(10_000);
    expect(user.calls).toEqual(['data 1250', 'reset']);
    expect(pacer.waiting).toBe(0);
  });

  it('still passes an answer that was whole when the stream was reset', () => {
    const { pacer, user, paced } = start({ down: 10_000 });
    paced.onData(bytes(5_000), 0, 5_000);
    paced.onEnd();
    paced.onReset(3, '');
    for (let at = 0; at < 4; at++) pacer.pass(100);
    expect(user.calls.at(-1)).toBe('end');
    expect(user.bytes).toBe(5_000);
  });

  it('passes nothing more once its user has reset it', () => {
    const { pacer, user, link, paced } = start({ down: 10_000 });
    paced.onData(bytes(5_000), 0, 5_000);
    paced.reset(3);
    pacer.pass(10_000);
    paced.onData(bytes(5_000), 0, 5_000);
    pacer.pass(10_000);
    expect(user.bytes).toBeLessThan(5_000);
    expect(link.calls).toEqual(['reset']);
    expect(pacer.waiting).toBe(0);
  });
});

describe('a stream with a rate for what is sent', () => {
  it('holds the source back until all of it has gone', () => {
    const { pacer, user, link, paced } = start({ up: 10_000 });
    expect(paced.sendData(bytes(1_000), 0, 1_000, false)).toBe(true);
    expect(paced.sendData(bytes(2_000), 0, 2_000, false)).toBe(false);
    expect(paced.heldBytes).toBe(1_750);
    pacer.pass(100);
    expect([link.bytes, user.calls]).toEqual([2_250, []]);
    pacer.pass(100);
    expect([link.bytes, user.calls]).toEqual([3_000, ['drain']]);
  });

  it('sends the end with the last bytes, and trailers behind them', () => {
    const first = start({ up: 10_000 });
    first.paced.sendData(bytes(2_000), 0, 2_000, true);
    first.pacer.pass(100);
    expect(first.link.calls).toEqual(['data 1250', 'data 750 last']);
    const second = start({ up: 10_000 });
    second.paced.sendData(bytes(2_000), 0, 2_000, false);
    second.paced.sendTrailers('A: b');
    second.pacer.pass(100);
    expect(second.link.calls).toEqual(['data 1250', 'data 750', 'trailers']);
    const third = start({ up: 10_000 });
    third.paced.sendData(bytes(2_000), 0, 2_000, false);
    third.paced.sendEnd();
    third.pacer.pass(100);
    expect(third.link.calls).toEqual(['data 1250', 'data 750 last']);
    expect([...first.user.calls, ...second.user.calls, ...third.user.calls]).toEqual([]);
  });

  it('waits for the link too', () => {
    const { pacer, user, link, paced } = start({ up: 10_000 });
    paced.sendData(bytes(2_000), 0, 2_000, false);
    link.heldBytes = 10;
    pacer.pass(1_000);
    expect(link.bytes).toBe(1_250);
    link.heldBytes = 0;
    paced.onDrain();
    expect(user.calls).toEqual([]);
    pacer.pass(1);
    expect([link.bytes, user.calls]).toEqual([2_000, ['drain']]);
  });

  it('holds back what is too much to go along with its opening', () => {
    const { pacer, link, stream, paced } = start({ up: 10_000 });
    const opened: unknown[] = [];
    const open = (now: number, last: boolean): LinkStream => {
      opened.push(now, last);
      return stream;
    };
    paced.openWith(open, bytes(1_000), true);
    paced.openWith(open, bytes(1_000), true);
    expect(opened).toEqual([1_000, true, 250, false]);
    pacer.pass(50);
    pacer.pass(25);
    expect(link.calls).toEqual(['data 500', 'data 250 last']);
  });

  it('pays for what went along with its opening', () => {
    const { pacer, link, paced } = start({ up: 10_000 });
    paced.opened(link as unknown as LinkStream, 11_250);
    paced.sendData(bytes(100), 0, 100, true);
    pacer.pass(999);
    expect(link.bytes).toBe(0);
  });
});

it('a pacer has a timer only while something waits', async () => {
  const pacer = new Pacer();
  const released = new Promise<void>((resolve) => {
    let left = 2;
    pacer.wait({
      release: () => {
        left--;
        if (left === 0) resolve();
        return left === 0;
      },
    });
  });
  expect(pacer.waiting).toBe(1);
  await released;
  expect(pacer.waiting).toBe(0);
});
