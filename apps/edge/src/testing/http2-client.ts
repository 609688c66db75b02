import { connect, constants } from 'node:http2';
import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  OutgoingHttpHeaders,
  SecureClientSessionOptions,
} from 'node:http2';
import { eventually } from '@culvert/testkit';
import { onTestFinished } from 'vitest';

type Fields = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/** A real HTTP/2 client on one connection. */
export class Http2Client {
  readonly session: ClientHttp2Session;
  /** Codes of the GOAWAY frames that came, with the last stream that each names. */
  readonly goAways: { readonly code: number; readonly lastStream: number }[] = [];
  closed = false;

  private constructor(port: number, tls: SecureClientSessionOptions | undefined) {
    const scheme = tls === undefined ? 'http' : 'https';
    this.session = connect(`${scheme}://127.0.0.1:${port}`, tls);
    this.session.on('error', () => undefined);
    this.session.on('goaway', (code: number, lastStream: number) => this.goAways.push({ code, lastStream }));
    this.session.on('close', () => (this.closed = true));
  }

  /** Over TLS where options for it are given. */
  static connect(port: number, tls?: SecureClientSessionOptions): Http2Client {
    const client = new Http2Client(port, tls);
    onTestFinished(() => client.session.destroy());
    return client;
  }

  /** GET / of `app.test`, unless the fields say otherwise; without a body it ends with its head. */
  request(fields: Fields = {}, body?: string | Buffer): Http2Asking {
    return this.open(fields, body === undefined).sendLast(body);
  }

  /** As `request`, but the stream stays open for what the test sends. */
  open(fields: Fields = {}, endStream = false): Http2Asking {
    const headers = { ':path': '/', ':authority': 'app.test', ...fields } as OutgoingHttpHeaders;
    return new Http2Asking(this.session.request(headers, { endStream }));
  }
}

/** One stream of a client, with everything that came on it. */
export class Http2Asking {
  readonly stream: ClientHttp2Stream;
  /** Interim heads. */
  readonly interim: Fields[] = [];
  head: Fields | undefined;
  trailers: Fields | undefined;
  readonly #parts: Buffer[] = [];
  /** The other side has ended its direction. */
  ended = false;
  closed = false;

  constructor(stream: ClientHttp2Stream) {
    this.stream = stream;
    stream.on('headers', (fields) => void this.interim.push(plain(fields)));
    stream.on('response', (fields) => (this.head = plain(fields)));
    stream.on('trailers', (fields) => (this.trailers = plain(fields)));
    stream.on('data', (part: Buffer) => void this.#parts.push(part));
    stream.on('end', () => (this.ended = !stream.aborted));
    stream.on('close', () => (this.closed = true));
    stream.on('error', () => undefined);
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  get text(): string {
    return this.bytes.toString('latin1');
  }

  sendLast(body: string | Buffer | undefined): this {
    if (body !== undefined) this.stream.end(body);
    return this;
  }

  async response(): Promise<Fields> {
    return eventually(() => this.head);
  }

  async hear(text: string): Promise<void> {
    await eventually(() => this.text.includes(text));
  }

  /** Resolves with the response's body once it has ended properly. */
  async whole(): Promise<string> {
    await eventually(() => this.ended && this.closed);
    if (this.stream.rstCode !== constants.NGHTTP2_NO_ERROR) {
      throw new Error(`the stream was reset with ${this.stream.rstCode}`);
    }
    return this.text;
  }

  /** The code of the reset that ended the stream. */
  async reset(): Promise<number> {
    await eventually(() => this.closed);
    return this.stream.rstCode ?? 0;
  }
}

/** Without what node:http2 adds. */
function plain(fields: object): Fields {
  return Object.fromEntries(Object.entries(fields));
}
