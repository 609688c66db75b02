import type { LinkStream, StreamConsumer } from '@culvert/link';

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  204: 'No Content',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  410: 'Gone',
  418: "I'm a Teapot",
  429: 'Too Many Requests',
  451: 'Unavailable For Legal Reasons',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** The answer of a rule `http_status:N`, put together once. */
export class StatusAnswer {
  readonly #head: string;
  readonly #body: Buffer;

  constructor(status: number) {
    const reason = REASONS[status] ?? '';
    const bodiless = status === 204 || status === 304;
    this.#body = Buffer.from(bodiless ? '' : `${status} ${reason}`.trimEnd() + '\n', 'latin1');
    const fields = `Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${this.#body.length}\r\n`;
    this.#head = `HTTP/1.1 ${status} ${reason}\r\n${bodiless ? '' : fields}\r\n`;
  }

  /** Answers at once; whatever the request still brings is dropped. */
  send(stream: LinkStream, method: string): StreamConsumer {
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
