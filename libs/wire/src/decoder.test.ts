import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameDecoder } from './decoder.ts';
import { Flag, HEADER_BYTES, Kind, MAX_PAYLOAD_BYTES, MAX_SKIPPED_BYTES, writeHeader } from './frame.ts';
import { ProtocolError } from './protocol-error.ts';

interface Frame {
  readonly kind: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

const kinds = Object.values(Kind);
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });

function frameOf(kind: number, flags: number, stream: number, maxBytes: number): fc.Arbitrary<Frame> {
  return fc
    .uint8Array({ maxLength: Math.min(maxBytes, 300) })
    .map((bytes) => ({ kind, flags, stream, payload: Buffer.from(bytes) }));
}

const anyFrame = fc
  .tuple(fc.constantFrom(...kinds, 0x80, 0xff), fc.integer({ min: 0, max: 255 }), u32)
  .chain(([kind, flags, stream]) =>
    frameOf(kind, flags, stream, MAX_PAYLOAD_BYTES[kind as Kind] ?? MAX_SKIPPED_BYTES),
  );

function header(kind: number, length: number, stream = 1, flags = 0): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  writeHeader(bytes, 0, kind as Kind, flags, stream, length);
  return bytes;
}

const encoded = (frame: Frame) =>
  Buffer.concat([header(frame.kind, frame.payload.length, frame.stream, frame.flags), frame.payload]);

/** Everything a decoder says, with the parts of one data frame put together again. */
class Transcript {
  readonly calls: unknown[] = [];
  readonly decoder: FrameDecoder;
  #data: Buffer[] = [];
  #dataStream = -1;

  constructor() {
    this.decoder = new FrameDecoder({
      onFrame: (kind, flags, stream, payload, start, end) => {
        this.#endData(false);
        this.calls.push([kind, flags, stream, payload.toString('hex', start, end)]);
      },
      onData: (stream, payload, start, end, last) => {
        if (stream !== this.#dataStream) this.#endData(false);
        this.#dataStream = stream;
        this.#data.push(Buffer.from(payload.subarray(start, end)));
        if (last) this.#endData(true);
      },
    });
  }

  finish(): unknown[] {
    this.#endData(false);
    return this.calls;
  }

  #endData(last: boolean): void {
    const bytes = Buffer.concat(this.#data);
    if (bytes.length > 0 || last) this.calls.push(['data', this.#dataStream, bytes.toString('hex'), last]);
    this.#data = [];
    this.#dataStream = -1;
  }
}

/** Pushes from a buffer that is overwritten after each call, as a socket's shared read buffer is. */
function pushSplit(decoder: FrameDecoder, wire: Buffer, cuts: readonly number[]): void {
  const borders = [...new Set([0, ...cuts.map((cut) => cut % (wire.length + 1)), wire.length])].sort(
    (a, b) => a - b,
  );
  const shared = Buffer.alloc(wire.length + 3);
  for (let index = 1; index < borders.length; index++) {
    const part = wire.subarray(borders[index - 1], borders[index]);
    part.copy(shared, 3);
    decoder.push(shared, 3, 3 + part.length);
    shared.fill(0xee);
  }
}

function pushBytewise(decoder: FrameDecoder, wire: Buffer): void {
  for (let at = 0; at < wire.length; at++) decoder.push(wire, at, at + 1);
}

const nothing = { onFrame: () => undefined, onData: () => undefined };

describe('FrameDecoder', () => {
  it('tells the same of a sequence of frames however its bytes are split', () => {
    fc.assert(
      fc.property(
        fc.array(anyFrame, { maxLength: 12 }),
        fc.array(fc.nat(5_000), { maxLength: 40 }),
        (frames, cuts) => {
          const wire = Buffer.concat(frames.map(encoded));
          const [whole, split, drip] = [new Transcript(), new Transcript(), new Transcript()];
          whole.decoder.push(wire, 0, wire.length);
          pushSplit(split.decoder, wire, cuts);
          pushBytewise(drip.decoder, wire);
          expect(split.finish()).toEqual(whole.finish());
          expect(drip.finish()).toEqual(whole.calls);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('hands each frame on as it was sent', () => {
    fc.assert(
      fc.property(anyFrame, (frame) => {
        const transcript = new Transcript();
        transcript.decoder.push(encoded(frame), 0, HEADER_BYTES + frame.payload.length);
        const hex = frame.payload.toString('hex');
        const last = (frame.flags & Flag.End) !== 0;
        const told =
          frame.kind === Kind.Data
            ? ['data', frame.stream, hex, last]
            : [frame.kind, frame.flags, frame.stream, hex];
        const silent = frame.kind === Kind.Data && hex === '' && !last;
        expect(transcript.finish()).toEqual(silent ? [] : [told]);
      }),
    );
  });

  it('hands data on as far as it has arrived', () => {
    const parts: string[] = [];
    const decoder = new FrameDecoder({
      ...nothing,
      onData: (_stream, payload, start, end, last) =>
        parts.push(`${payload.toString('latin1', start, end)}${last ? '.' : ''}`),
    });
    const wire = Buffer.concat([header(Kind.Data, 6, 1, Flag.End), Buffer.from('abcdef')]);
    decoder.push(wire, 0, HEADER_BYTES + 2);
    expect(parts).toEqual(['ab']);
    decoder.push(wire, HEADER_BYTES + 2, wire.length);
    expect(parts).toEqual(['ab', 'cdef.']);
  });

  it.each(kinds)('takes a frame of kind %i as long as its limit', (kind) => {
    const transcript = new Transcript();
    const payload = Buffer.alloc(MAX_PAYLOAD_BYTES[kind], 7);
    pushSplit(transcript.decoder, encoded({ kind, flags: 0, stream: 1, payload }), [5, HEADER_BYTES, 4_000]);
    expect(transcript.finish()).toHaveLength(1);
  });

  it.each(kinds)('refuses a frame of kind %i beyond its limit from the header alone', (kind) => {
    const decoder = new FrameDecoder(nothing);
    const tooLong = header(kind, MAX_PAYLOAD_BYTES[kind] + 1);
    decoder.push(tooLong, 0, HEADER_BYTES - 1);
    expect(() => decoder.push(tooLong, HEADER_BYTES - 1, HEADER_BYTES)).toThrow(ProtocolError);
  });

  it('tells nothing of what follows a stop, not even in the same bytes', () => {
    const seen: number[] = [];
    const decoder: FrameDecoder = new FrameDecoder({
      ...nothing,
      onFrame: (kind) => {
        seen.push(kind);
        decoder.stop();
      },
    });
    const wire = Buffer.concat([
      header(Kind.Accept, 0),
      header(Kind.Accept, 0),
      header(Kind.Reset, 0xffff_ffff),
    ]);
    decoder.push(wire, 0, 15);
    decoder.push(wire, 15, wire.length);
    expect(seen).toEqual([Kind.Accept]);
  });

  it('throws nothing but ProtocolError, whatever bytes come', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(200)), (bytes, cuts) => {
        try {
          pushSplit(new FrameDecoder(nothing), Buffer.from(bytes), cuts);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('spends on a dripping frame no more than its bytes are worth', () => {
    const decoder = new FrameDecoder(nothing);
    const payload = Buffer.alloc(MAX_PAYLOAD_BYTES[Kind.Open]);
    const wire = encoded({ kind: Kind.Open, flags: 0, stream: 1, payload });
    const before = process.cpuUsage();
    pushBytewise(decoder, wire);
    // Copying all that came before for each byte would be 38 GB, several seconds.
    expect(process.cpuUsage(before).user).toBeLessThan(1_000_000);
  });

  it('holds about what has arrived of a frame, not what was announced', () => {
    const before = process.memoryUsage().arrayBuffers;
    const decoders = Array.from({ length: 500 }, () => new FrameDecoder(nothing));
    const wire = Buffer.concat([header(Kind.Open, MAX_PAYLOAD_BYTES[Kind.Open]), Buffer.alloc(100)]);
    for (const decoder of decoders) decoder.push(wire, 0, wire.length);
    const held = process.memoryUsage().arrayBuffers - before;
    expect(held / decoders.length).toBeLessThan(8_192);
  });
});
