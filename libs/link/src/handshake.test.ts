import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  GoAwayCode,
  HEADER_BYTES,
  Kind,
  PREFACE,
  encodeHello,
  encodeWelcome,
  goAwayName,
  writeHeader,
} from '@culvert/wire';
import type { HelloBody } from '@culvert/wire';
import {
  acceptOn,
  agentHello,
  dialOn,
  fakeTime,
  joinPair,
  pass,
  peerHello,
  Side,
  simulatedPair,
  until,
  welcome,
} from './testing/link-pair.ts';
import type { Pair, PairOptions } from './testing/link-pair.ts';
import { HandshakeError, LinkRefusedError } from './refusal.ts';
import { simulatedPath } from './testing/simulated-path.ts';
import type { SimulatedCarrier } from './testing/simulated-path.ts';

beforeEach(fakeTime);
afterEach(() => {
  expect(vi.getTimerCount(), 'timers left behind').toBe(0);
  vi.useRealTimers();
});

function frame(kind: number, payload: Buffer, stream = 0): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  writeHeader(header, 0, kind as Kind, 0, stream, payload.length);
  return Buffer.concat([header, payload]);
}

const refusalOf = (side: Side) => (side.failures[0] as LinkRefusedError).goAway;

/** Everything that a closed link has set going comes to rest. */
const rest = () => pass(1_500);

/** A handshake that is not to succeed: both sides after it came to rest. */
async function failed(options: PairOptions): Promise<Pair> {
  const pair = joinPair(simulatedPath({ delayMs: 5 }), options);
  await until(() => pair.dialer.failures.length > 0 && pair.listener.refusals.length > 0);
  await rest();
  expect([pair.dialer.attached, pair.listener.attached]).toEqual([undefined, undefined]);
  expect([pair.dialer.failures.length, pair.listener.refusals.length]).toEqual([1, 1]);
  return pair;
}

async function closed(pair: Pair): Promise<void> {
  pair.dialer.link.close(GoAwayCode.Leaving, 'done');
  await until(() => pair.listener.owner.ends.length > 0);
  await rest();
}

/** A listener that raw bytes are sent to, behind the preface. */
async function listenerAfter(...frames: Buffer[]): Promise<{ side: Side; answer: SimulatedCarrier }> {
  const path = simulatedPath();
  const side = new Side();
  acceptOn(path.listener, side);
  path.dialer.start({ onBytes: () => undefined, onDrain: () => undefined, onClose: () => undefined });
  for (const bytes of frames) path.dialer.inject(bytes);
  await until(() => side.refusals.length > 0);
  await rest();
  return { side, answer: path.listener };
}

describe('an agent', () => {
  it('is attached when it is admitted, and each side is told what the other said', async () => {
    const hellos: HelloBody[] = [];
    const side = new Side();
    const path = simulatedPath({ delayMs: 5 });
    acceptOn(path.listener, side, {
      preface: 'ahead',
      admit: async (hello) => {
        hellos.push(hello);
        return { admit: true, welcome, attach: (link) => ((side.attached = link), side.owner) };
      },
    });
    const dialer = new Side();
    const welcomes: unknown[] = [];
    dialOn(path.dialer, dialer, {
      onAttached: (link, told) => {
        dialer.attached = link;
        welcomes.push(told);
        return dialer.owner;
      },
    });
    await until(() => dialer.attached !== undefined);
    expect(hellos).toEqual([agentHello]);
    expect(welcomes).toEqual([{ version: 1, features: 0, body: welcome }]);
    expect([dialer.link.available, side.link.available]).toEqual([true, true]);
    await closed({ dialer, listener: side });
  });

  it.each([
    GoAwayCode.UnknownTunnel,
    GoAwayCode.Unauthorized,
    GoAwayCode.ClaimRefused,
    GoAwayCode.Busy,
    GoAwayCode.Unavailable,
    GoAwayCode.Revoked,
  ])('is told the code of its refusal, the reason, and when to come back: %i', async (code) => {
    const goAway = { code, retryAfterMs: 12_000, text: `because of ${code}` };
    const pair = await failed({ accept: { admit: async () => ({ admit: false, goAway }) } });
    expect(pair.dialer.failures[0]).toBeInstanceOf(LinkRefusedError);
    expect(refusalOf(pair.dialer)).toEqual(goAway);
    expect(pair.dialer.failures[0]!.message).toContain(goAwayName(code));
    expect(pair.listener.refusals).toEqual([`because of ${code}`]);
  });

  it('is refused for now when nobody can decide about it', async () => {
    const pair = await failed({ accept: { admit: () => Promise.reject(new Error('redis is away')) } });
    expect(refusalOf(pair.dialer).code).toBe(GoAwayCode.Unavailable);
    expect(refusalOf(pair.dialer).text).not.toContain('redis');
  });

  it.each([
    ['newer', 2, 3],
    ['older', 0, 0],
  ])('of a %s version is told in words which versions are spoken', async (_age, min, max) => {
    const pair = await failed({ dial: { versions: { min, max } } });
    expect(refusalOf(pair.dialer).code).toBe(GoAwayCode.Version);
    expect(refusalOf(pair.dialer).text).toContain('version 1');
    expect(refusalOf(pair.dialer).text).toContain(`${min} to ${max}`);
  });

  it('is told of the version even when the rest of its hello means nothing here', async () => {
    const hello = frame(
      Kind.Hello,
      Buffer.concat([Buffer.from([2, 2, 0, 0, 0, 0]), Buffer.from([0xa1, 0x61])]),
    );
    const { side, answer } = await listenerAfter(hello);
    expect(side.refusals[0]).toContain('version 1');
    expect(answer.written[0]!.readUInt16BE(HEADER_BYTES)).toBe(GoAwayCode.Version);
  });

  it('takes no welcome of a version that it did not offer', async () => {
    const path = simulatedPath();
    const side = new Side();
    dialOn(path.dialer, side);
    path.listener.inject(frame(Kind.Welcome, encodeWelcome(welcome, 2)));
    await until(() => side.failures.length > 0);
    expect(side.failures[0]!.message).toContain('version 2');
    expect(side.attached).toBeUndefined();
    await rest();
  });

  it('gives up when no welcome comes', async () => {
    const path = simulatedPath();
    const side = new Side();
    dialOn(path.dialer, side, { timeoutMs: 3_000 });
    await pass(2_999);
    expect(side.failures).toEqual([]);
    await pass(1);
    expect(side.failures[0]).toBeInstanceOf(HandshakeError);
    await rest();
  });

  it('is told of a connection that is lost before the welcome', async () => {
    const path = simulatedPath();
    const side = new Side();
    dialOn(path.dialer, side);
    path.listener.destroy();
    await until(() => side.failures.length > 0);
    expect(side.failures[0]).toBeInstanceOf(HandshakeError);
    await rest();
  });
});

describe('a listener', () => {
  it('closes what says no hello in time', async () => {
    const path = simulatedPath();
    const side = new Side();
    acceptOn(path.listener, side, { timeoutMs: 3_000 });
    await pass(3_000);
    expect(side.refusals).toHaveLength(1);
    expect(path.listener.written[0]!.readUInt16BE(HEADER_BYTES)).toBe(GoAwayCode.Timeout);
    await rest();
  });

  it('attaches nobody who was admitted after the time was over', async () => {
    let decide = (): void => undefined;
    const pair = joinPair(simulatedPath(), {
      accept: {
        timeoutMs: 1_000,
        admit: () =>
          new Promise((resolve) => {
            decide = () => resolve({ admit: true, welcome, attach: () => expect.fail('attached') });
          }),
      },
    });
    await pass(1_100);
    decide();
    await rest();
    expect(pair.listener.refusals).toHaveLength(1);
    expect(pair.dialer.failures).toHaveLength(1);
  });

  it.each([
    ['garbage', Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')],
    ['a second preface', Buffer.from(PREFACE)],
    ['a hello that is no JSON', frame(Kind.Hello, Buffer.from([1, 1, 0, 0, 0, 0, 0x7b]))],
    ['a stream before the welcome', frame(Kind.Open, Buffer.alloc(60, 1), 1)],
    ['data before the welcome', frame(Kind.Data, Buffer.from('x'), 1)],
    ['a reset before the welcome', frame(Kind.Reset, Buffer.from([0, 1]), 1)],
    ['a ping before the welcome', frame(Kind.Ping, Buffer.alloc(8))],
    ['a welcome', frame(Kind.Welcome, encodeWelcome(welcome))],
    ['a proof that nobody asked for', frame(Kind.Proof, Buffer.alloc(32))],
    ['a go-away', frame(Kind.GoAway, Buffer.from([0, 13, 0, 0, 0, 0]))],
  ])('closes what begins with %s, and says so once', async (_what, bytes) => {
    const { side } = await listenerAfter(bytes);
    expect(side.refusals).toHaveLength(1);
    expect(side.attached).toBeUndefined();
  });

  it('skips kinds from 128 on, known or not, before the hello as after', async () => {
    const pair = joinPair(simulatedPath());
    await until(() => pair.dialer.attached !== undefined);
    const path = simulatedPath();
    const side = new Side();
    acceptOn(path.listener, side);
    path.dialer.inject(frame(0x80, Buffer.alloc(100)));
    path.dialer.inject(frame(Kind.Hello, encodeHello(agentHello)));
    await until(() => side.attached !== undefined);
    path.dialer.inject(frame(0xff, Buffer.alloc(100)));
    await pass(10);
    expect(side.owner.ends).toEqual([]);
    side.link.close(GoAwayCode.Leaving, '');
    await closed(pair);
  });

  it('closes a connection whose preface, still to come, is another', async () => {
    const path = simulatedPath({ pieces: [3] });
    const side = new Side();
    acceptOn(path.listener, side, { preface: 'ahead' });
    path.dialer.inject(Buffer.from('CULVERS\n'));
    await until(() => side.refusals.length > 0);
    expect(path.listener.written).toEqual([]);
    await rest();
  });

  it('leaves no timers when an owner closes the link while it is being attached', async () => {
    const pair = joinPair(simulatedPath(), {
      accept: {
        admit: async () => ({
          admit: true,
          welcome,
          attach: (link) => {
            link.close(GoAwayCode.Draining, 'too late');
            return new Side().owner;
          },
        }),
      },
      dial: {
        onAttached: (link) => {
          link.close(GoAwayCode.Leaving, 'too late');
          return new Side().owner;
        },
      },
    });
    await rest();
    expect(pair.dialer.failures).toEqual([]);
  });
});

describe('a peer edge', () => {
  const accept = { secret: 'cluster secret' };
  const dial = { hello: peerHello, secret: 'cluster secret' };

  it('is attached when both edges know the secret', async () => {
    await closed(await simulatedPair({ delayMs: 5 }, { accept, dial }));
  });

  it('is refused when it does not know the secret', async () => {
    const pair = await failed({ accept, dial: { ...dial, secret: 'another' } });
    expect(refusalOf(pair.dialer).code).toBe(GoAwayCode.NotAPeer);
  });

  it('is refused where no secret is set', async () => {
    const pair = await failed({ dial });
    expect(refusalOf(pair.dialer).code).toBe(GoAwayCode.NotAPeer);
  });

  it.each([
    ['no proof', {}],
    ['a wrong proof', { proof: '00'.repeat(32) }],
    ['a proof of the wrong length', { proof: 'ab' }],
    ['a proof that is no text', { proof: 7 as unknown as string }],
  ])('takes no welcome with %s', async (_what, proof) => {
    const path = simulatedPath();
    const side = new Side();
    dialOn(path.dialer, side, dial);
    path.listener.inject(frame(Kind.Challenge, Buffer.alloc(32, 1)));
    path.listener.inject(frame(Kind.Welcome, encodeWelcome({ ...welcome, ...proof })));
    await until(() => side.failures.length > 0);
    expect(side.attached).toBeUndefined();
    await rest();
  });

  it('takes no welcome whose proof is its own, sent back to it', async () => {
    const path = simulatedPath();
    const side = new Side();
    dialOn(path.dialer, side, dial);
    path.listener.inject(frame(Kind.Challenge, Buffer.alloc(32, 1)));
    await pass(1);
    const own = path.dialer.written.at(-1)!.subarray(HEADER_BYTES).toString('hex');
    path.listener.inject(frame(Kind.Welcome, encodeWelcome({ ...welcome, proof: own })));
    await until(() => side.failures.length > 0);
    expect(side.attached).toBeUndefined();
    await rest();
  });

  it('takes no welcome without a challenge', async () => {
    const path = simulatedPath();
    const side = new Side();
    dialOn(path.dialer, side, dial);
    path.listener.inject(frame(Kind.Welcome, encodeWelcome({ ...welcome, proof: '00'.repeat(32) })));
    await until(() => side.failures.length > 0);
    await rest();
  });

  it.each([
    ['a short challenge', agentHello, 8],
    ['a challenge to an agent', agentHello, 32],
  ])('proves nothing to %s', async (_what, hello, bytes) => {
    const path = simulatedPath();
    const side = new Side();
    dialOn(path.dialer, side, { hello, secret: 'cluster secret' });
    path.listener.inject(frame(Kind.Challenge, Buffer.alloc(bytes, 1)));
    await until(() => side.failures.length > 0);
    await rest();
  });
});
