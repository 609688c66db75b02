import { CHUNK_END, chunkHeader, lastChunk } from '@culvert/http1';
import type { RequestHead, ResponseHead } from '@culvert/http1';
import { SocketSink } from '@culvert/link';
import type { StreamEnd } from '@culvert/link';
import type { Socket } from 'node:net';
import type { FirstBytes } from './client-side.ts';

/** How the client learns where the body ends. */
type Framing = 'none' | 'length' | 'chunked' | 'close';

/** Writes one final response to an HTTP/1.x client. */
export class ResponseWriter {
  /** Whether the client's connection may carry another request afterwards. */
  readonly persists: boolean;
  readonly #socket: Socket;
  readonly #sink: SocketSink;
  #framing: Framing;
  /** Bytes that a body of known length still lacks. */
  #left: number;

  /**
   * @param persists whether the connection may carry another request, as far as the request is concerned
   */
  constructor(
    socket: Socket,
    stream: StreamEnd,
    request: RequestHead,
    head: ResponseHead,
    persists: boolean,
    body: FirstBytes,
  ) {
    const bytes = body.end - body.start;
    this.#socket = socket;
    this.#sink = new SocketSink(socket, stream);
    this.#framing = framingOf(head, request, body.whole);
    this.#left = head.body === 'length' ? head.contentLength : this.#framing === 'length' ? bytes : 0;
    this.persists = persists && this.#framing !== 'close';
    this.#begin(head, request.minor, body);
  }

  /** False when there is more than the head announced. */
  data(buffer: Buffer, start: number, end: number): boolean {
    if (end === start) return true;
    if (this.#framing === 'chunked') {
      this.#sink.write(buffer, start, end, chunkHeader(end - start), CHUNK_END);
      return true;
    }
    if (this.#framing === 'none') return false;
    if (this.#framing === 'length') {
      this.#left -= end - start;
      if (this.#left < 0) return false;
    }
    this.#sink.write(buffer, start, end);
    return true;
  }

  /** The stream has ended; false when the body is shorter than announced. */
  end(trailers: string): boolean {
    if (this.#framing === 'chunked') this.#socket.write(lastChunk(trailers), 'latin1');
    return this.#framing !== 'length' || this.#left === 0;
  }

  drained(): void {
    this.#sink.drained();
  }

  /** Head and first bytes in one write. */
  #begin(head: ResponseHead, minor: 0 | 1, body: FirstBytes): void {
    const text = `HTTP/1.1 ${head.status} ${head.reason}\r\n${head.fields}${this.#fields(head, minor)}\r\n`;
    const bytes = body.end - body.start;
    if (bytes === 0 || this.#framing === 'none' || (this.#framing === 'length' && bytes > this.#left)) {
      this.#socket.write(text, 'latin1');
      this.#left -= bytes;
      return;
    }
    if (this.#framing === 'chunked') {
      this.#sink.write(body.buffer, body.start, body.end, text + chunkHeader(bytes), CHUNK_END);
      return;
    }
    this.#left -= bytes;
    this.#sink.write(body.buffer, body.start, body.end, text);
  }

  #fields(head: ResponseHead, minor: 0 | 1): string {
    const connection = this.#connection(head, minor);
    if (this.#framing === 'chunked') return `Transfer-Encoding: chunked\r\n${connection}`;
    if (this.#framing === 'length') return `Content-Length: ${this.#left}\r\n${connection}`;
    const announced = this.#framing === 'none' && head.contentLength >= 0;
    return announced ? `Content-Length: ${head.contentLength}\r\n${connection}` : connection;
  }

  #connection({ status, upgrade }: ResponseHead, minor: 0 | 1): string {
    // RFC 9110 §15.5.22: which protocol is required.
    if (status === 426 && upgrade !== undefined && minor === 1)
      return `Connection: ${this.persists ? '' : 'close, '}Upgrade\r\nUpgrade: ${upgrade}\r\n`;
    if (!this.persists) return 'Connection: close\r\n';
    return minor === 0 ? 'Connection: keep-alive\r\n' : '';
  }
}

function framingOf(head: ResponseHead, request: RequestHead, whole: boolean): Framing {
  if (head.body === 'none' || head.body === 'length') return head.body;
  if (whole) return 'length';
  return request.minor === 1 ? 'chunked' : 'close';
}
