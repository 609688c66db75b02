/** Bytes of a pooled buffer: one full read of a socket, and what a frame puts before it. */
export const POOLED_BYTES = 131_072 + 256;
const MAX_SPARE = 32;
const spare: Buffer[] = [];

/**
 * A buffer of POOLED_BYTES for bytes on their way out. Buffers of this size taken anew each time cost page faults and
 * collections: a sixth of the CPU of a bulk transfer. Whoever borrows one gives it back when the bytes have left.
 */
export function borrowBuffer(): Buffer {
  return spare.pop() ?? Buffer.allocUnsafeSlow(POOLED_BYTES);
}

/** The buffer must not be touched afterwards. */
export function giveBack(buffer: Buffer): void {
  if (spare.length < MAX_SPARE) spare.push(buffer);
}
