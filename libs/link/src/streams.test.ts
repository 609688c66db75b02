import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GoAwayCode, MAX_HEAD_BYTES, Protocol, ResetCode, packUuid } from '@culvert/wire';
import { NOTHING, Recorder, TUNNEL, fakeTime, pass, simulatedPair, until } from './testing/link-pair.ts';
import type { Opened, Pair, PairOptions, Side } from './testing/link-pair.ts';
import type { PathOptions } from './testing/simulated-path.ts';

beforeEach(fakeTime);
afterEach(async () => {
  for (const side of sides.splice(0)) side.link.close(GoAwayCode.Leaving, 'test over');
  await pass(2_000);
  expect(vi.getTimerCount(), 'timers left behind').toBe(0);
  vi.useRealTimers();
});
const sides: Side[] = [];

async function pairOf(path: PathOptions = {}, options: PairOptions = {}): Promise<Pair> {
  const pair = await simulatedPair(path, options);
  sides.push(pair.dialer, pair.listener);
  return pair;
}

/** A stream that the listener has opened, as an edge does towards an agent, and its other end. */
async function opened(
  pair: Pair,
  options: Parameters<Side['open']>[0] = {},
): Promise<{ near: Opened; far: Opened }> {
  const before = pair.dialer.owner.accepted.length;
  const near = pair.listener.open(options);
  await until(() => pair.dialer.owner.accepted.length > before);
  return { near, far: pair.dialer.owner.accepted.at(-1)! };
}

const bytes = (text: string) => Buffer.from(text, 'latin1');
function send(from: Opened, text: string, last = false): boolean {
  return from.stream.sendData(bytes(text), 0, text.length, last);
}
function sendHead(from: Opened, head: string, body = '', last = false): boolean {
  return from.stream.sendHead(head, bytes(body), 0, body.length, last);
}

describe('opening', () => {
  it('carries the metadata, the head and the first bytes', async () => {
    const pair = await pairOf();
    const meta = {
      protocol: Protocol.Http,
      hops: 1,
      window: 65_536,
      tunnel: packUuid(TUNNEL),
      hostname: 'app.localhost',
      client: '192.0.2.7:5',
      head: 'POST / HTTP/1.1\r\nX: é\r\n\r\n',
    };
    const { far } = await opened(pair, { meta, body: bytes('hel') });
    expect(pair.dialer.owner.accepted[0]!.open).toMatchObject(meta);
    expect(far.recorder.calls).toEqual(['data']);
    expect(far.recorder.text).toBe('hel');
  });

  it('may end the direction at once', async () => {
    const { far } = await opened(await pairOf(), { body: bytes('all'), last: true });
    expect(far.recorder.calls).toEqual(['data', 'end']);
  });

  it('sends first bytes beyond the window as credit comes', async () => {
    const pair = await pairOf(
      {},
      { dial: { hello: { ...(await import('./testing/link-pair.ts')).agentHello, window: 1_000 } } },
    );
    const body = Buffer.alloc(5_000, 'x');
    const { far } = await opened(pair, { body, last: true });
    await until(() => far.recorder.ended);
    expect(far.recorder.bytes).toBe(5_000);
  });

  it('is possible for both sides at once, as often as they like', async () => {
    const pair = await pairOf({ delayMs: 20 });
    for (let count = 0; count < 20; count++) {
      pair.dialer.open({ body: bytes(`d${count}`), last: true });
      pair.listener.open({ body: bytes(`l${count}`), last: true });
    }
    await until(() => pair.dialer.owner.accepted.length === 20 && pair.listener.owner.accepted.length === 20);
    expect(pair.dialer.owner.accepted.map(({ recorder }) => recorder.text)).toEqual(
      Array.from({ length: 20 }, (_, i) => `l${i}`),
    );
    expect(pair.listener.owner.accepted.map(({ recorder }) => recorder.text)).toEqual(
      Array.from({ length: 20 }, (_, i) => `d${i}`),
    );
    expect([...pair.dialer.owner.ends, ...pair.listener.owner.ends]).toEqual([]);
  });

  it('is refused with the code that the owner gives', async () => {
    const pair = await pairOf();
    pair.dialer.owner.decide = () => ResetCode.NoRoute;
    const near = pair.listener.open();
    await until(() => near.recorder.resetCode !== undefined);
    expect(near.recorder.resetCode).toBe(ResetCode.NoRoute);
    expect([pair.dialer.link.openStreams, pair.listener.link.openStreams]).toEqual([0, 0]);
  });

  it('beyond the agreed number is refused with a code that is safe to repeat', async () => {
    const pair = await pairOf({}, { dial: { maxStreams: 3 } });
    const streams = Array.from({ length: 4 }, () => pair.listener.open());
    await until(() => streams[3]!.recorder.resetCode !== undefined);
    expect(streams.map(({ recorder }) => recorder.resetCode)).toEqual([
      undefined,
      undefined,
      undefined,
      ResetCode.Busy,
    ]);
  });

  it('is not available beyond the number that this side allows itself', async () => {
    const pair = await pairOf({}, { accept: { maxStreams: 2 } });
    pair.listener.open();
    expect(pair.listener.link.available).toBe(true);
    const { near } = await opened(pair);
    expect(pair.listener.link.available).toBe(false);
    near.stream.reset(ResetCode.Cancelled);
    expect(pair.listener.link.available).toBe(true);
  });
});

describe('an answer', () => {
  it('in one frame ends the exchange on both sides', async () => {
    const pair = await pairOf();
    const { near, far } = await opened(pair, { last: true });
    sendHead(far, 'HTTP/1.1 200 OK\r\n\r\n', 'ok', true);
    await until(() => near.recorder.ended);
    expect(near.recorder.calls).toEqual(['head HTTP/1.1 200 OK\r\n\r\n', 'data', 'end']);
    expect([near.stream.closed, far.stream.closed]).toEqual([true, true]);
    expect([pair.dialer.link.openStreams, pair.listener.link.openStreams]).toEqual([0, 0]);
  });

  it('may have interim heads, a body and trailers', async () => {
    const { near, far } = await opened(await pairOf(), { last: true });
    sendHead(far, 'HTTP/1.1 103 Early Hints\r\n\r\n');
    sendHead(far, 'HTTP/1.1 200 OK\r\n\r\n', 'bo');
    send(far, 'dy');
    far.stream.sendTrailers('Sum: é\r\n');
    await until(() => near.recorder.ended);
    const [early, ok] = ['head HTTP/1.1 103 Early Hints\r\n\r\n', 'head HTTP/1.1 200 OK\r\n\r\n'];
    expect(near.recorder.calls).toEqual([early, ok, 'data', 'trailers Sum: é\r\n', 'end']);
    expect(near.recorder.text).toBe('body');
  });

  it('sends trailers behind what waits for credit', async () => {
    const pair = await pairOf({}, { memoryBytes: 1 << 20 });
    const { near, far } = await opened(pair, { last: true, recorder: new Recorder({ takes: false }) });
    const body = Buffer.alloc(200_000, 'x');
    expect(far.stream.sendData(body, 0, body.length, false)).toBe(false);
    far.stream.sendTrailers('Sum: 1\r\n');
    await pass(50);
    expect(near.recorder.calls).toEqual(['data']);
    near.recorder.takes = true;
    near.recorder.take();
    await until(() => near.recorder.ended);
    expect(near.recorder.bytes).toBe(200_000);
    expect(near.recorder.calls).toEqual(['data', 'trailers Sum: 1\r\n', 'end']);
  });

  it.each([
    ['alone', 0],
    ['with a body larger than any frame', 300_000],
  ])('may have a head of the largest size, %s', async (_case, bodyBytes) => {
    const { near, far } = await opened(await pairOf(), { last: true, meta: { window: 1 << 20 } });
    far.stream.sendHead('x'.repeat(MAX_HEAD_BYTES), Buffer.alloc(bodyBytes), 0, bodyBytes, true);
    await until(() => near.recorder.ended || near.recorder.resetCode !== undefined);
    expect(near.recorder.resetCode).toBeUndefined();
    expect(near.recorder.calls[0]).toHaveLength('head '.length + MAX_HEAD_BYTES);
    expect(near.recorder.bytes).toBe(bodyBytes);
  });

  it('may be handed over in a piece that is larger than any frame', async () => {
    const { near, far } = await opened(await pairOf(), { last: true, meta: { window: 1 << 20 } });
    far.stream.sendData(Buffer.alloc(900_000), 0, 900_000, true);
    await until(() => near.recorder.ended || near.recorder.resetCode !== undefined);
    expect(near.recorder.bytes).toBe(900_000);
  });
});

describe('half-close', () => {
  it('of the opener leaves the other direction open', async () => {
    const { near, far } = await opened(await pairOf());
    send(near, 'question');
    near.stream.sendEnd();
    await until(() => far.recorder.ended);
    send(far, 'ans');
    await pass(500);
    send(far, 'wer', true);
    await until(() => near.recorder.ended);
    expect(near.recorder.text).toBe('answer');
    expect([near.stream.closed, far.stream.closed]).toEqual([true, true]);
  });

  it('of the other side leaves the direction of the opener open', async () => {
    const { near, far } = await opened(await pairOf());
    far.stream.sendEnd();
    await until(() => near.recorder.ended);
    send(near, 'late');
    near.stream.sendEnd();
    await until(() => far.recorder.ended);
    expect(far.recorder.text).toBe('late');
    expect(near.stream.closed).toBe(true);
  });

  it('is told once, and nothing is sent after it', async () => {
    const { near, far } = await opened(await pairOf());
    near.stream.sendEnd();
    near.stream.sendEnd();
    send(near, 'too late');
    near.stream.sendTrailers('A: b\r\n');
    await pass(10);
    expect(far.recorder.calls).toEqual(['end']);
  });
});

describe('a reset', () => {
  it('ends both directions at both sides and is told to the other consumer only', async () => {
    const pair = await pairOf();
    const { near, far } = await opened(pair);
    far.stream.reset(ResetCode.NotDelivered, 'connection refused');
    await until(() => near.recorder.resetCode !== undefined);
    expect(near.recorder.calls).toEqual([`reset ${ResetCode.NotDelivered} connection refused`]);
    expect(far.recorder.calls).toEqual([]);
    expect([near.stream.closed, far.stream.closed]).toEqual([true, true]);
    expect([pair.dialer.link.openStreams, pair.listener.link.openStreams]).toEqual([0, 0]);
  });

  it('makes what is still on its way disappear', async () => {
    const pair = await pairOf({ delayMs: 50 });
    const { near, far } = await opened(pair);
    send(far, 'on its way');
    sendHead(far, 'HTTP/1.1 200 OK\r\n\r\n', 'too', true);
    near.stream.reset(ResetCode.Cancelled);
    await pass(500);
    expect(near.recorder.calls).toEqual([]);
    expect([...pair.dialer.owner.ends, ...pair.listener.owner.ends]).toEqual([]);
    const next = await opened(pair, { last: true });
    expect(next.far.recorder.ended).toBe(true);
  });

  it('in the middle of a call ends that call: nothing follows', async () => {
    const pair = await pairOf();
    const { near, far } = await opened(pair);
    near.recorder.onHead = () => near.stream.reset(ResetCode.Cancelled);
    sendHead(far, 'HTTP/1.1 200 OK\r\n\r\n', 'body', true);
    await until(() => far.recorder.resetCode !== undefined || far.stream.closed);
    expect(near.recorder.calls).toEqual([]);
  });

  it('while the stream is being opened keeps its first bytes from the consumer', async () => {
    const pair = await pairOf();
    const recorder = new Recorder();
    pair.dialer.owner.onOpen = (stream) => {
      stream.reset(ResetCode.Refused);
      return recorder;
    };
    const near = pair.listener.open({ body: bytes('first'), last: true });
    await until(() => near.recorder.resetCode !== undefined);
    expect(recorder.calls).toEqual([]);
  });

  it('is harmless the second time, and after the end', async () => {
    const { near, far } = await opened(await pairOf(), { last: true });
    far.stream.sendEnd();
    await until(() => near.recorder.ended);
    near.stream.reset(ResetCode.Cancelled);
    far.stream.reset(ResetCode.Cancelled);
    await pass(10);
    expect(near.recorder.calls).toEqual(['end']);
    expect(send(near, 'x')).toBe(true);
  });
});

describe('a lost link', () => {
  it('resets its streams with a code of its own, and is told once to each owner', async () => {
    const pair = await simulatedPair();
    const { near, far } = await opened(pair);
    pair.path.dialer.destroy();
    await until(() => pair.listener.owner.ends.length > 0 && pair.dialer.owner.ends.length > 0);
    expect([near.recorder.resetCode, far.recorder.resetCode]).toEqual([
      ResetCode.LinkLost,
      ResetCode.LinkLost,
    ]);
    expect(pair.listener.owner.ends).toHaveLength(1);
    expect(pair.listener.link.available).toBe(false);
    expect([pair.dialer.memory.granted, pair.listener.memory.granted]).toEqual([0, 0]);
  });

  it('closed with a reason tells it to the other side', async () => {
    const pair = await simulatedPair();
    const { near } = await opened(pair);
    pair.dialer.link.close(GoAwayCode.Replaced, 'a newer session');
    await until(() => pair.listener.owner.ends.length > 0);
    expect(pair.listener.owner.ends).toEqual([
      { code: GoAwayCode.Replaced, text: 'a newer session', by: 'peer' },
    ]);
    expect(pair.dialer.owner.ends).toEqual([
      { code: GoAwayCode.Replaced, text: 'a newer session', by: 'us' },
    ]);
    expect(near.recorder.resetCode).toBe(ResetCode.LinkLost);
  });
});

describe('acknowledgement', () => {
  it('costs no frame when the answer is ready within 100 ms', async () => {
    const pair = await pairOf();
    const { near, far } = await opened(pair, { last: true });
    await pass(99);
    sendHead(far, 'HTTP/1.1 200 OK\r\n\r\n', '', true);
    await pass(1_000);
    expect(near.recorder.calls).not.toContain('accept');
  });

  it('comes once within 200 ms when no answer is ready', async () => {
    const { near } = await opened(await pairOf());
    await pass(203);
    expect(near.recorder.calls).toEqual(['accept']);
    await pass(3_000);
    expect(near.recorder.calls).toEqual(['accept']);
  });

  it('comes also when the opener sends on: that is no sign of the other side', async () => {
    const { near } = await opened(await pairOf());
    send(near, 'more');
    await pass(203);
    expect(near.recorder.calls).toEqual(['accept']);
  });

  it('comes although the opener goes on sending', async () => {
    const { near } = await opened(await pairOf());
    for (let count = 0; count < 10; count++) {
      send(near, 'more of the body');
      await pass(25);
    }
    expect(near.recorder.calls).toEqual(['accept']);
  });

  it('that is missing after one second is told to the opener, once', async () => {
    const pair = await simulatedPair();
    pair.path.listener.block();
    const near = pair.listener.open();
    await pass(899);
    expect(near.recorder.calls).toEqual([]);
    await pass(102);
    expect(near.recorder.calls).toEqual(['unacknowledged']);
    await pass(1_500);
    expect(near.recorder.calls).toEqual(['unacknowledged']);
    sides.push(pair.dialer, pair.listener);
  });

  it('that is missing makes the link suspect until anything at all is heard', async () => {
    const pair = await simulatedPair();
    pair.path.listener.block();
    pair.listener.open();
    await pass(899);
    expect(pair.listener.link.suspect).toBe(false);
    await pass(102);
    expect(pair.listener.link.suspect).toBe(true);
    pair.path.listener.unblock();
    await pass(400);
    expect(pair.listener.link.suspect).toBe(false);
    sides.push(pair.dialer, pair.listener);
  });

  it('that is missing although the other side answers pings is not the fault of the link', async () => {
    const pair = await pairOf();
    const { near, far } = await opened(pair);
    far.stream.acknowledgesItself = false;
    await pass(1_001);
    expect(near.recorder.calls).toEqual(['unacknowledged']);
    expect(pair.listener.link.suspect).toBe(false);
  });

  it('that is missing makes the link suspect also where the stream is given up a moment before', async () => {
    const pair = await simulatedPair();
    pair.path.listener.block();
    const near = pair.listener.open();
    await pass(701);
    pair.listener.open().stream.reset(ResetCode.Cancelled);
    expect(pair.listener.link.suspect).toBe(false);
    await pass(101);
    near.stream.reset(ResetCode.Cancelled);
    expect(pair.listener.link.suspect).toBe(true);
    sides.push(pair.dialer, pair.listener);
  });

  it.each(['head', 'data', 'accept'])('is any sign of the stream: %s', async (sign) => {
    const { near, far } = await opened(await pairOf());
    if (sign === 'head') sendHead(far, 'HTTP/1.1 100 Continue\r\n\r\n');
    if (sign === 'data') send(far, 'x');
    await pass(5_000);
    expect(near.recorder.calls).not.toContain('unacknowledged');
  });

  it('is not expected of a stream that was given up by then', async () => {
    const pair = await simulatedPair();
    pair.path.listener.block();
    const near = pair.listener.open();
    near.stream.reset(ResetCode.Cancelled);
    await pass(2_000);
    expect(near.recorder.calls).toEqual([]);
    sides.push(pair.dialer, pair.listener);
  });
});

it('sending nothing is nothing', async () => {
  const { near, far } = await opened(await pairOf());
  expect(near.stream.sendData(NOTHING, 0, 0, false)).toBe(true);
  await pass(10);
  expect(far.recorder.calls).toEqual([]);
});
