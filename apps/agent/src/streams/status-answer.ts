import type { RequestHead } from '@culvert/http1';
import type { LinkStream, StreamConsumer } from '@culvert/link';
import type { HttpTarget } from '../upstream/http-target.ts';
import { reasonPhrase } from './reason-phrase.ts';

/** The answer of a rule `http_status:N`, put together once. */
export class StatusAnswer implements HttpTarget {
  readonly #head: string;
  readonly #body: Buffer;

  constructor(status: number) {
    const reason = reasonPhrase(status);
    const bodiless = status === 204 || status === 304;
    this.#body = Buffer.from(bodiless ? '' : `${status} ${reason}`.trimEnd() + '\n', 'latin1');
    const fields = `Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${this.#body.length}\r\n`;
    this.#head = `HTTP/1.1 ${status} ${reason}\r\n${bodiless ? '' : fields}\r\n`;
  }

  /** Answers at once; whatever the request still brings is dropped. */
  begin(stream: LinkStream, { method }: Pick<RequestHead, 'method'>): StreamConsumer {
    stream.sendHead(this.#head, this.#body, 0, method === 'HEAD' ? 0 : this.#body.length, true);
    return new Discarding(stream);
  }
}

/** Lets the sender get rid of a body that nobody wants. */
class Discarding implements StreamConsumer {
  readonly #stream: LinkStream;

  constructor(stream: LinkStream) {
    this.#stream = stream;
  }

  onData(_buffer: Buffer, start: number, end: number): void {
    this.#stream.taken(end - start);
  }

  onAccept(): void {}
  onHead(): void {}
  onTrailers(): void {}
  onEnd(): void {}
  onReset(): void {}
  onDrain(): void {}
  onUnacknowledged(): void {}
}
