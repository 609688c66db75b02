import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GoAwayCode, Kind, packUuid } from '@culvert/wire';
import type { OpenMeta } from '@culvert/wire';
import { Recorder, fakeTime, pass, simulatedPair, until } from './testing/link-pair.ts';
import type { Pair } from './testing/link-pair.ts';
import { proofOf, proves } from './peer-proof.ts';
import type { SimulatedPath } from './testing/simulated-path.ts';

interface ProofVector {
  readonly name: string;
  readonly secret: string;
  readonly by: 'dialer' | 'listener';
  readonly edge: string;
  readonly dialerNonce: string;
  readonly listenerNonce: string;
  readonly proof: string;
}
interface LinkRefusal {
  readonly name: string;
  readonly hex: string;
  readonly rule: string;
}
interface StreamVector {
  readonly name: string;
  readonly hex: string;
  readonly frames: readonly { readonly kind: string; readonly flags: number; readonly fields: Fields }[];
}
type OpenFields = OpenMeta & { readonly body: string };
/** What the kinds that are written here carry; each has some of it. */
interface Fields {
  readonly head: string;
  readonly body: string;
  readonly fields: string;
  readonly text: string;
  readonly code: number;
}

function load<T>(name: string): readonly T[] {
  const text = readFileSync(new URL(`../../wire/vectors/${name}.json`, import.meta.url), 'utf8');
  return (JSON.parse(text) as { vectors: T[] }).vectors;
}

beforeEach(fakeTime);
afterEach(() => {
  expect(vi.getTimerCount(), 'timers left behind').toBe(0);
  vi.useRealTimers();
});

describe('the proof of a peer', () => {
  it.each(load<ProofVector>('peer-proof'))('$name', (vector) => {
    const { secret, by, edge } = vector;
    const [dialerNonce, listenerNonce] = [
      Buffer.from(vector.dialerNonce, 'hex'),
      Buffer.from(vector.listenerNonce, 'hex'),
    ];
    const subject = { by, edge, dialerNonce, listenerNonce };
    const proof = proofOf(secret, subject);
    expect(proof.toString('hex')).toBe(vector.proof);
    expect(proves(proof, secret, subject)).toBe(true);
    expect(proves(proof, `${secret}.`, subject)).toBe(false);
    expect(proves(proof, secret, { ...subject, edge: 'another' })).toBe(false);
    expect(
      proves(proof, secret, { ...subject, dialerNonce: listenerNonce, listenerNonce: dialerNonce }),
    ).toBe(false);
    expect(proves(proof, secret, { ...subject, by: by === 'dialer' ? 'listener' : 'dialer' })).toBe(false);
  });
});

describe('a link is closed by', () => {
  it.each(load<LinkRefusal>('link-refusals'))('$name', async ({ hex }) => {
    const pair = await simulatedPair({}, { accept: { window: 1_024 } });
    pair.listener.owner.recorder = () => new Recorder({ takes: false });
    pair.path.dialer.inject(Buffer.from(hex, 'hex'));
    await pass(50);
    expect(pair.listener.owner.ends).toMatchObject([{ code: GoAwayCode.Protocol, by: 'us' }]);
    expect(pair.dialer.owner.ends).toMatchObject([{ code: GoAwayCode.Protocol, by: 'peer' }]);
    const told = pair.listener.owner.accepted[0]?.recorder;
    expect(told?.calls.filter((call) => call === 'end').length ?? 0).toBeLessThanOrEqual(1);
    expect(pair.listener.memory.granted).toBe(0);
    await pass(2_000);
  });
});

describe('a link writes', () => {
  const vectors = load<StreamVector>('streams').filter(({ frames }) => frames.length === 1);

  const withoutId = (hex: string) => hex.slice(0, 4) + hex.slice(12);

  /** What the dialer wrote for its stream, in hex. */
  function written(path: SimulatedPath): string {
    return path.dialer.written
      .findLast((bytes) => bytes[0] !== Kind.Ping && bytes[0] !== Kind.Pong)!
      .toString('hex');
  }

  async function accepted(pair: Pair) {
    const near = pair.listener.open({ meta: { window: 65_536 } });
    await until(() => pair.dialer.owner.accepted.length === 1);
    return { near, far: pair.dialer.owner.accepted[0]! };
  }

  const act: Record<string, (pair: Pair, flags: number, fields: Fields) => Promise<void>> = {
    Open: async (pair, flags, fields) => {
      const { protocol, hops, window, tunnel, hostname, client, head, body } =
        fields as unknown as OpenFields;
      const meta = {
        protocol,
        hops,
        window,
        tunnel: packUuid(tunnel),
        hostname,
        client,
        head,
      };
      pair.dialer.open({ meta, body: Buffer.from(body, 'hex'), last: flags === 1 });
    },
    Head: async (pair, flags, { head, body }) => {
      const { far } = await accepted(pair);
      const bytes = Buffer.from(body, 'hex');
      far.stream.sendHead(head, bytes, 0, bytes.length, flags === 1);
    },
    Data: async (pair, flags, { body }) => {
      const { far } = await accepted(pair);
      const bytes = Buffer.from(body, 'hex');
      far.stream.sendData(bytes, 0, bytes.length, flags === 1);
    },
    Trailers: async (pair, _flags, { fields }) => (await accepted(pair)).far.stream.sendTrailers(fields),
    Reset: async (pair, _flags, { code, text }) => (await accepted(pair)).far.stream.reset(code, text),
    Accept: async (pair) => {
      await accepted(pair);
      await pass(200);
    },
  };

  it.each(vectors.filter(({ frames }) => frames[0]!.kind in act))('$name', async ({ hex, frames }) => {
    const pair = await simulatedPair();
    const { kind, flags, fields } = frames[0]!;
    await act[kind]!(pair, flags, fields);
    await pass(5);
    expect(withoutId(written(pair.path))).toBe(withoutId(hex));
    pair.dialer.link.close(GoAwayCode.Leaving, '');
    await pass(2_000);
  });
});
