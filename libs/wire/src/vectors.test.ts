import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FrameDecoder } from './decoder.ts';
import { Flag, HEADER_BYTES, Kind, readU32, writeHeader, writeU32 } from './frame.ts';
import { decodeGoAway, decodeReset, encodeGoAway, encodeReset } from './go-away.ts';
import type { GoAway, Reset } from './go-away.ts';
import { decodeEdges, decodeHello, decodeWelcome, encodeEdges, encodeHello, encodeWelcome } from './hello.ts';
import type { EdgeAddress, Hello, Welcome } from './hello.ts';
import { openBytes, packUuid, readOpen, unpackUuid, writeOpen } from './open.ts';
import type { OpenMeta } from './open.ts';
import { ProtocolError } from './protocol-error.ts';

interface FrameVector {
  readonly kind: keyof typeof Kind;
  readonly flags: number;
  readonly stream: number;
  readonly fields: object;
}
interface Vector {
  readonly name: string;
  readonly hex: string;
  readonly frames: readonly FrameVector[];
}
interface Refusal {
  readonly name: string;
  readonly hex: string;
  readonly refused: 'header' | 'payload';
  readonly rule: string;
}

/** How one kind's payload is written and read. */
interface Codec<Fields> {
  write(fields: Fields): Buffer;
  read(payload: Buffer): Fields;
}
type OpenFields = OpenMeta & { readonly body: string };
type HeadFields = { readonly head: string; readonly body: string };

const hex = (bytes: Buffer) => bytes.toString('hex');
const hexCodec = <Name extends string>(name: Name): Codec<Record<Name, string>> => ({
  write: (fields) => Buffer.from(fields[name], 'hex'),
  read: (payload) => ({ [name]: hex(payload) }) as Record<Name, string>,
});

const open: Codec<OpenFields> = {
  write: (fields) => {
    const meta = { ...fields, tunnel: packUuid(fields.tunnel) };
    const payload = Buffer.alloc(openBytes(meta));
    expect(writeOpen(payload, 0, meta)).toBe(payload.length);
    return Buffer.concat([payload, Buffer.from(fields.body, 'hex')]);
  },
  read: (payload) => {
    const { bodyStart, ...meta } = readOpen(payload, 0, payload.length);
    return { ...meta, tunnel: unpackUuid(meta.tunnel), body: hex(payload.subarray(bodyStart)) };
  },
};

const head: Codec<HeadFields> = {
  write: (fields) => {
    const text = Buffer.from(fields.head, 'latin1');
    const length = Buffer.alloc(4);
    writeU32(length, 0, text.length);
    return Buffer.concat([length, text, Buffer.from(fields.body, 'hex')]);
  },
  read: (payload) => {
    const end = 4 + readU32(payload, 0);
    return { head: payload.toString('latin1', 4, end), body: hex(payload.subarray(end)) };
  },
};

const credit: Codec<{ readonly bytes: number }> = {
  write: ({ bytes }) => {
    const payload = Buffer.alloc(4);
    writeU32(payload, 0, bytes);
    return payload;
  },
  read: (payload) => ({ bytes: readU32(payload, 0) }),
};

const codecs = {
  Hello: {
    write: (hello: Hello) => encodeHello(hello.body, { min: hello.minVersion, max: hello.maxVersion }),
    read: decodeHello,
  },
  Welcome: { write: (welcome: Welcome) => encodeWelcome(welcome.body, welcome.version), read: decodeWelcome },
  Challenge: hexCodec('nonce'),
  Proof: hexCodec('proof'),
  Open: open,
  Accept: { write: () => Buffer.alloc(0), read: () => ({}) },
  Head: head,
  Data: hexCodec('body'),
  Trailers: {
    write: ({ fields }: { fields: string }) => Buffer.from(fields, 'latin1'),
    read: (payload: Buffer) => ({ fields: payload.toString('latin1') }),
  },
  Reset: { write: (reset: Reset) => encodeReset(reset), read: decodeReset },
  Credit: credit,
  Ping: hexCodec('payload'),
  Pong: hexCodec('payload'),
  GoAway: { write: (goAway: GoAway) => encodeGoAway(goAway), read: decodeGoAway },
  Edges: {
    write: ({ edges }: { edges: EdgeAddress[] }) => encodeEdges(edges),
    read: (payload: Buffer) => ({ edges: decodeEdges(payload) }),
  },
} satisfies Record<keyof typeof Kind, unknown> as unknown as Record<keyof typeof Kind, Codec<object>>;

function load<T>(name: string): readonly T[] {
  const text = readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), 'utf8');
  return (JSON.parse(text) as { vectors: T[] }).vectors;
}

const kindName = (kind: number) =>
  Object.entries(Kind).find(([, value]) => value === kind)![0] as keyof typeof Kind;

function decode(wire: Buffer): FrameVector[] {
  const frames: FrameVector[] = [];
  const add = (kind: number, flags: number, stream: number, payload: Buffer) =>
    frames.push({ kind: kindName(kind), flags, stream, fields: codecs[kindName(kind)].read(payload) });
  const decoder = new FrameDecoder({
    onFrame: (kind, flags, stream, payload, start, end) =>
      add(kind, flags, stream, payload.subarray(start, end)),
    onData: (stream, payload, start, end, last) =>
      add(Kind.Data, last ? Flag.End : 0, stream, payload.subarray(start, end)),
  });
  decoder.push(wire, 0, wire.length);
  return frames;
}

function encode(frame: FrameVector): Buffer {
  const payload = codecs[frame.kind].write(frame.fields);
  const header = Buffer.alloc(HEADER_BYTES);
  writeHeader(header, 0, Kind[frame.kind], frame.flags, frame.stream, payload.length);
  return Buffer.concat([header, payload]);
}

const vectors = [...load<Vector>('handshake'), ...load<Vector>('streams')];
const refusals = load<Refusal>('refusals');

describe('the vectors', () => {
  it.each(vectors)('read: $name', (vector) => {
    expect(decode(Buffer.from(vector.hex, 'hex'))).toEqual(vector.frames);
  });

  it.each(vectors)('written: $name', (vector) => {
    expect(hex(Buffer.concat(vector.frames.map(encode)))).toBe(vector.hex);
  });

  it.each(refusals)('refused: $name', (refusal) => {
    expect(() => decode(Buffer.from(refusal.hex, 'hex'))).toThrow(ProtocolError);
  });

  it.each(refusals.filter((refusal) => refusal.refused === 'payload'))(
    'refused only when it is complete: $name',
    (refusal) => {
      const wire = Buffer.from(refusal.hex, 'hex');
      expect(decode(wire.subarray(0, -1))).toEqual([]);
    },
  );

  it('hold every kind of frame', () => {
    const covered = new Set(vectors.flatMap((vector) => vector.frames.map((frame) => frame.kind)));
    expect([...covered].sort()).toEqual(Object.keys(Kind).sort());
  });
});
