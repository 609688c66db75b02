import {
  FIRST_SKIPPABLE_KIND,
  Flag,
  HEADER_BYTES,
  Kind,
  MAX_PAYLOAD_BYTES,
  MAX_SKIPPED_BYTES,
  readU32,
} from './frame.ts';
import { ProtocolError } from './protocol-error.ts';

/** Receives frames. The bytes are a view of what was pushed: valid during the call, copied by who keeps them. */
export interface FrameSink {
  /** Any complete frame but data. */
  onFrame(kind: number, flags: number, stream: number, payload: Buffer, start: number, end: number): void;
  /** A data frame's payload as far as it has arrived; `last` with the final part of a frame that ends the direction. */
  onData(stream: number, payload: Buffer, start: number, end: number, last: boolean): void;
}

/** First room for a frame that arrives in pieces; it doubles from here as the frame's bytes come. */
const FIRST_KEPT_BYTES = 64;

/** Turns an arbitrarily split byte stream into frames. One decoder a link. */
export class FrameDecoder {
  readonly #sink: FrameSink;
  /** An incomplete header, or an incomplete frame that is not data; undefined most of the time. */
  #kept: Buffer | undefined;
  #keptBytes = 0;
  /** Payload bytes of the current data frame that have not arrived yet. */
  #dataLeft = 0;
  #dataStream = 0;
  #dataEnds = false;
  #stopped = false;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Drops everything that comes from now on, also the rest of what is being decoded. */
  stop(): void {
    this.#stopped = true;
    this.#kept = undefined;
  }

  /** @throws ProtocolError when the bytes are not the protocol; the decoder is of no use afterwards. */
  push(chunk: Buffer, start: number, end: number): void {
    const at = this.#kept === undefined ? start : this.#complete(chunk, start, end);
    this.#decode(chunk, at, end);
  }

  #decode(chunk: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end && !this.#stopped) {
      if (this.#dataLeft > 0) {
        at = this.#passData(chunk, at, end);
        continue;
      }
      if (end - at < HEADER_BYTES) return this.#keep(chunk, at, end);
      const length = announcedBytes(chunk, at);
      if (chunk[at] === Kind.Data) {
        this.#beginData(chunk, at, length);
        at += HEADER_BYTES;
        continue;
      }
      const frameEnd = at + HEADER_BYTES + length;
      if (frameEnd > end) return this.#keep(chunk, at, end);
      this.#passFrame(chunk, at, frameEnd);
      at = frameEnd;
    }
  }

  #passFrame(from: Buffer, at: number, end: number): void {
    this.#sink.onFrame(from[at]!, from[at + 1]!, readU32(from, at + 2), from, at + HEADER_BYTES, end);
  }

  #beginData(from: Buffer, at: number, length: number): void {
    const ends = (from[at + 1]! & Flag.End) !== 0;
    const stream = readU32(from, at + 2);
    if (length === 0) return this.#sink.onData(stream, from, at, at, ends);
    this.#dataLeft = length;
    this.#dataStream = stream;
    this.#dataEnds = ends;
  }

  #passData(chunk: Buffer, at: number, end: number): number {
    const to = Math.min(end, at + this.#dataLeft);
    this.#dataLeft -= to - at;
    this.#sink.onData(this.#dataStream, chunk, at, to, this.#dataEnds && this.#dataLeft === 0);
    return to;
  }

  /** Adds what the kept frame lacks and no more; passes it on once it is whole. Returns where the chunk goes on. */
  #complete(chunk: Buffer, start: number, end: number): number {
    let at = start;
    if (this.#keptBytes < HEADER_BYTES) {
      at = this.#keepUpTo(HEADER_BYTES, chunk, at, end);
      if (this.#keptBytes < HEADER_BYTES) return at;
    }
    const kept = this.#kept!;
    const length = announcedBytes(kept, 0);
    if (kept[0] === Kind.Data) {
      this.#kept = undefined;
      this.#beginData(kept, 0, length);
      return at;
    }
    at = this.#keepUpTo(HEADER_BYTES + length, chunk, at, end);
    if (this.#keptBytes === HEADER_BYTES + length) this.#passKept();
    return at;
  }

  #passKept(): void {
    const kept = this.#kept!;
    this.#kept = undefined;
    this.#passFrame(kept, 0, this.#keptBytes);
  }

  #keep(chunk: Buffer, at: number, end: number): void {
    this.#kept = Buffer.allocUnsafe(Math.max(FIRST_KEPT_BYTES, end - at));
    this.#keptBytes = chunk.copy(this.#kept, 0, at, end);
  }

  /** Room grows with what has arrived, never with what was announced, and by doubling: each byte is copied once or twice. */
  #keepUpTo(bytes: number, chunk: Buffer, at: number, end: number): number {
    const to = Math.min(end, at + bytes - this.#keptBytes);
    const needed = this.#keptBytes + to - at;
    if (needed > this.#kept!.length) {
      const larger = Buffer.allocUnsafe(Math.min(bytes, Math.max(needed, 2 * this.#kept!.length)));
      this.#kept!.copy(larger, 0, 0, this.#keptBytes);
      this.#kept = larger;
    }
    chunk.copy(this.#kept!, this.#keptBytes, at, to);
    this.#keptBytes = needed;
    return to;
  }
}

/** The payload's length by its header: checked here, before anything of it is kept. */
function announcedBytes(from: Buffer, at: number): number {
  const kind = from[at]!;
  const length = readU32(from, at + 6);
  const max = kind === Kind.Data ? MAX_DATA_BYTES : maxPayload(kind);
  if (length > max)
    throw new ProtocolError(`frame of kind ${kind} announces ${length} bytes, more than ${max}`);
  return length;
}

const MAX_DATA_BYTES = MAX_PAYLOAD_BYTES[Kind.Data];

function maxPayload(kind: number): number {
  const max = MAX_PAYLOAD_BYTES[kind as Kind] as number | undefined;
  if (max !== undefined) return max;
  if (kind >= FIRST_SKIPPABLE_KIND) return MAX_SKIPPED_BYTES;
  throw new ProtocolError(`frame of unknown kind ${kind}`);
}
