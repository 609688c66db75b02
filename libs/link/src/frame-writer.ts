import {
  Flag,
  HEADER_BYTES,
  Kind,
  encodeReset,
  openBytes,
  writeHeader,
  writeOpen,
  writeU32,
} from '@culvert/wire';
import type { OpenMeta } from '@culvert/wire';
import type { Batch } from './batch.ts';

const NOTHING = Buffer.alloc(0);

/** Writes frames into a link's batch, straight from the buffers that their payload lies in. */
export class FrameWriter {
  readonly #batch: Batch;
  #bytes = 0;
  #stopped = false;

  constructor(batch: Batch) {
    this.#batch = batch;
  }

  /** Bytes written since the link began, headers included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The link is gone: frames are dropped from now on. */
  stop(): void {
    this.#stopped = true;
  }

  sendOpen(id: number, meta: OpenMeta, body: Buffer, start: number, end: number, last: boolean): void {
    const payload = openBytes(meta) + end - start;
    const buffer = this.#batch.reserve(HEADER_BYTES + payload);
    const at = writeHeader(buffer, this.#batch.length, Kind.Open, last ? Flag.End : 0, id, payload);
    const bodyAt = writeOpen(buffer, at, meta);
    this.#commit(bodyAt + body.copy(buffer, bodyAt, start, end));
  }

  sendHead(id: number, head: string, body: Buffer, start: number, end: number, last: boolean): void {
    const payload = 4 + head.length + end - start;
    const buffer = this.#batch.reserve(HEADER_BYTES + payload);
    const at = writeHeader(buffer, this.#batch.length, Kind.Head, last ? Flag.End : 0, id, payload);
    writeU32(buffer, at, head.length);
    buffer.write(head, at + 4, head.length, 'latin1');
    const bodyAt = at + 4 + head.length;
    this.#commit(bodyAt + body.copy(buffer, bodyAt, start, end));
  }

  sendData(id: number, body: Buffer, start: number, end: number, last: boolean): void {
    const buffer = this.#batch.reserve(HEADER_BYTES + end - start);
    const at = writeHeader(buffer, this.#batch.length, Kind.Data, last ? Flag.End : 0, id, end - start);
    this.#commit(at + body.copy(buffer, at, start, end));
  }

  sendTrailers(id: number, fields: string): void {
    this.sendFrame(Kind.Trailers, id, Buffer.from(fields, 'latin1'));
  }

  sendAccept(id: number): void {
    this.sendFrame(Kind.Accept, id, NOTHING);
  }

  sendReset(id: number, code: number, text: string): void {
    this.sendFrame(Kind.Reset, id, encodeReset({ code, text }));
  }

  sendCredit(id: number, bytes: number): void {
    const buffer = this.#batch.reserve(HEADER_BYTES + 4);
    const at = writeHeader(buffer, this.#batch.length, Kind.Credit, 0, id, 4);
    writeU32(buffer, at, bytes);
    this.#commit(at + 4);
  }

  /** Any frame without flags. */
  sendFrame(kind: Kind, id: number, payload: Buffer): void {
    const buffer = this.#batch.reserve(HEADER_BYTES + payload.length);
    const at = writeHeader(buffer, this.#batch.length, kind, 0, id, payload.length);
    this.#commit(at + payload.copy(buffer, at));
  }

  #commit(length: number): void {
    if (this.#stopped) return;
    this.#bytes += length - this.#batch.length;
    this.#batch.commit(length);
  }
}
