/** Bytes that tell when some are missing or out of order. Made quickly: edge and client of a test wait meanwhile. */
export function patternedBytes(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let at = 0; at < length; at++) bytes[at] = (at * 13 + (at >> 9)) & 0xff;
  return bytes;
}
