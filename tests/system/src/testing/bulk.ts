import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';

/** Prime, so that no lost or repeated frame, buffer or window leaves the rest of the content in phase. */
const BLOCK_BYTES = 1_000_003;
/** The content comes out in pieces of this size. */
const PIECE_BYTES = 65_536;

const block = randomBytes(BLOCK_BYTES);
/** The block and what follows it for a piece: every piece is one slice. */
const wrapped = Buffer.concat([block, block.subarray(0, PIECE_BYTES)]);

export const MIB = 1_048_576;

/** A body of so many bytes that is not kept in memory. */
export function bulk(bytes: number): Readable {
  let sent = 0;
  return new Readable({
    highWaterMark: PIECE_BYTES * 4,
    read() {
      const length = Math.min(PIECE_BYTES, bytes - sent);
      const from = sent % BLOCK_BYTES;
      sent += length;
      this.push(length === 0 ? null : wrapped.subarray(from, from + length));
    },
  });
}

/** Reads a body to its end, compares every byte with what `bulk` gives, and resolves with how many there were. */
export async function receiveBulk(body: AsyncIterable<unknown>): Promise<number> {
  let received = 0;
  for await (const chunk of body) {
    for (let at = 0; at < (chunk as Buffer).length; at += PIECE_BYTES) {
      const piece = (chunk as Buffer).subarray(at, at + PIECE_BYTES);
      const from = received % BLOCK_BYTES;
      if (!piece.equals(wrapped.subarray(from, from + piece.length))) {
        throw new Error(`wrong content within ${piece.length} bytes from ${received}`);
      }
      received += piece.length;
    }
  }
  return received;
}
