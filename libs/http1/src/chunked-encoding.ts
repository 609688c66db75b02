/** What ends the data of a chunk. */
export const CHUNK_END = '\r\n';

/** What begins a chunk of `size` bytes; 0 would end the body, so an empty piece of it must not be sent. */
export function chunkHeader(size: number): string {
  if (!Number.isSafeInteger(size) || size <= 0) throw new RangeError(`chunk of ${size} bytes`);
  return `${size.toString(16)}\r\n`;
}

/** What ends the body. `trailers` is a block of field lines, each with its CRLF. */
export function lastChunk(trailers = ''): string {
  return `0\r\n${trailers}\r\n`;
}
