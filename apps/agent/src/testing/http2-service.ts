import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerOptions,
} from 'node:http2';
import type { AddressInfo } from 'node:net';

type OnStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number) => void;

/** A real HTTP/2 service in clear, by prior knowledge. */
export class Http2Service {
  /** All that were ever made. */
  readonly sessions: ServerHttp2Session[] = [];
  readonly streams: ServerHttp2Stream[] = [];
  readonly #server: Http2Server;

  private constructor(onStream: OnStream, options: ServerOptions) {
    this.#server = createServer(options);
    this.#server.on('session', (session) => {
      session.on('error', () => undefined);
      this.sessions.push(session);
    });
    this.#server.on('stream', (stream: ServerHttp2Stream, headers, flags) => {
      stream.on('error', () => undefined);
      this.streams.push(stream);
      onStream(stream, headers, flags);
    });
  }

  static async start(onStream: OnStream, options: ServerOptions = {}): Promise<Http2Service> {
    const service = new Http2Service(onStream, options);
    await new Promise<void>((resolve) => service.#server.listen(0, '127.0.0.1', resolve));
    return service;
  }

  get url(): string {
    return `h2c://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const session of this.sessions) session.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
