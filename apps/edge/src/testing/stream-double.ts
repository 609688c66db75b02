import type { LinkStream, StreamConsumer } from '@culvert/link';
import type { ReadOpen } from '@culvert/wire';
import { eventually } from '@culvert/testkit';

/** A stream at the agent: remembers what came, sends what the test says. */
export class StreamDouble implements StreamConsumer {
  readonly stream: LinkStream;
  readonly open: ReadOpen;
  readonly parts: Buffer[] = [];
  bytes = 0;
  trailers: string | undefined;
  ended = false;
  reset: { readonly code: number; readonly text: string } | undefined;
  /** Whether credit is given back at once; otherwise by `take`. */
  takes = true;
  drains = 0;
  /** Called when the stream has room again. */
  onRoom: () => void = () => undefined;
  onBytes: (bytes: Buffer) => void = () => undefined;
  /** Called when the other side sends no more or has reset the stream. */
  onOver: () => void = () => undefined;
  #untaken = 0;

  constructor(stream: LinkStream, open: ReadOpen) {
    this.stream = stream;
    this.open = open;
  }

  get text(): string {
    return Buffer.concat(this.parts).toString('latin1');
  }

  /** The request's head as it came. */
  get head(): string {
    return this.open.head;
  }

  /** Sends a head (lines joined by CRLF, the empty one added) and a body. */
  answer(head: string, body: string | Buffer = '', last: 'last' | 'more' = 'last'): this {
    const bytes = Buffer.from(body as string, 'latin1');
    this.stream.sendHead(`${head}\r\n\r\n`, bytes, 0, bytes.length, last === 'last');
    return this;
  }

  /** Answers 200 with the text, its length announced. */
  ok(body = 'ok'): this {
    return this.answer(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}`, body);
  }

  /** Exactly these bytes as a head. */
  rawHead(head: string, body = '', last: 'last' | 'more' = 'last'): void {
    const bytes = Buffer.from(body, 'latin1');
    this.stream.sendHead(head, bytes, 0, bytes.length, last === 'last');
  }

  send(body: string | Buffer, last: 'last' | 'more' = 'more'): boolean {
    const bytes = Buffer.from(body as string, 'latin1');
    return this.stream.sendData(bytes, 0, bytes.length, last === 'last');
  }

  take(bytes = this.#untaken): void {
    this.#untaken -= bytes;
    this.stream.taken(bytes);
  }

  /** Resolves once the whole request has come. */
  async whole(): Promise<this> {
    await eventually(() => this.ended);
    return this;
  }

  onAccept(): void {}

  onHead(): void {}

  onData(buffer: Buffer, start: number, end: number): void {
    const bytes = Buffer.from(buffer.subarray(start, end));
    this.parts.push(bytes);
    this.bytes += bytes.length;
    this.onBytes(bytes);
    if (this.takes) this.stream.taken(end - start);
    else this.#untaken += end - start;
  }

  onTrailers(fields: string): void {
    this.trailers = fields;
  }

  onEnd(): void {
    this.ended = true;
    this.onOver();
  }

  onReset(code: number, text: string): void {
    this.reset = { code, text };
    this.onOver();
  }

  onDrain(): void {
    this.drains++;
    this.onRoom();
  }

  onUnacknowledged(): void {}
}
