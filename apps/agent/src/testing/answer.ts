import type { LinkStream, StreamConsumer } from '@culvert/link';

/** Gathers what comes back on a stream. */
export class Answer implements StreamConsumer {
  stream: LinkStream | undefined;
  /** Interim heads and the final one, in order. */
  readonly heads: string[] = [];
  readonly parts: Buffer[] = [];
  bytes = 0;
  trailers: string | undefined;
  ended = false;
  reset: { readonly code: number; readonly text: string } | undefined;
  /** Frames that brought something, to tell one from many. */
  frames = 0;
  drains = 0;
  /** Whether credit is given back at once; otherwise by `take`. */
  takes = true;
  /** Whether the bytes are kept; otherwise only counted. */
  keeps = true;

  /** The final head's status; 0 while there is none. */
  get status(): number {
    return Number(this.heads.at(-1)?.split(' ')[1] ?? 0);
  }

  get text(): string {
    return Buffer.concat(this.parts).toString('latin1');
  }

  get over(): boolean {
    return this.ended || this.reset !== undefined;
  }

  send(text: string, last = false): boolean {
    const bytes = Buffer.from(text, 'latin1');
    return this.stream!.sendData(bytes, 0, bytes.length, last);
  }

  onAccept(): void {}

  onHead(buffer: Buffer, start: number, headEnd: number, end: number): void {
    this.heads.push(buffer.toString('latin1', start, headEnd));
    this.frames++;
    if (end > headEnd) this.#take(buffer, headEnd, end);
  }

  onData(buffer: Buffer, start: number, end: number): void {
    this.frames++;
    this.#take(buffer, start, end);
  }

  onTrailers(fields: string): void {
    this.trailers = fields;
  }

  onEnd(): void {
    this.ended = true;
  }

  onReset(code: number, text: string): void {
    this.reset = { code, text };
  }

  onDrain(): void {
    this.drains++;
  }

  onUnacknowledged(): void {}

  #take(buffer: Buffer, start: number, end: number): void {
    this.bytes += end - start;
    if (this.keeps) this.parts.push(Buffer.from(buffer.subarray(start, end)));
    if (this.takes) this.stream?.taken(end - start);
  }
}
