import { BenchFault } from './fault.ts';

/** Follows answers with Content-Length on one connection, counting body bytes without keeping them. */
export class BodyCounter {
  #head = '';
  #left = 0;
  #inBody = false;

  /** Takes the next bytes; returns how many belong to a body, and whether that body is now complete. */
  take(chunk: Buffer): { readonly bytes: number; readonly complete: boolean } {
    const body = this.#inBody ? chunk : this.#takeHead(chunk);
    if (body.length > this.#left)
      throw new BenchFault(`${body.length - this.#left} bytes after the end of a body`);
    this.#left -= body.length;
    const complete = this.#inBody && this.#left === 0;
    if (complete) this.#inBody = false;
    return { bytes: body.length, complete };
  }

  /** Returns what follows the head, or nothing while the head goes on. */
  #takeHead(chunk: Buffer): Buffer {
    const before = this.#head.length;
    this.#head += chunk.toString('latin1');
    const end = this.#head.indexOf('\r\n\r\n');
    if (end < 0) return chunk.subarray(chunk.length);
    this.#left = bodyLength(this.#head.slice(0, end));
    this.#inBody = true;
    this.#head = '';
    return chunk.subarray(end + 4 - before);
  }
}

function bodyLength(head: string): number {
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (!head.startsWith('HTTP/1.1 200') || length === undefined) {
    throw new BenchFault(`not a 200 with a length: ${JSON.stringify(head)}`);
  }
  return Number(length);
}
