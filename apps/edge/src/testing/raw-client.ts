import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { once } from 'node:events';
import { eventually } from '@culvert/testkit';
import { onTestFinished } from 'vitest';
import { readResponse } from './response.ts';
import type { Framed, Response } from './response.ts';

/** A client that sends exactly what a test says and keeps every byte that comes back. */
export class RawClient {
  readonly socket: Socket;
  #chunks: Buffer[] = [];
  /** The other side has ended its direction. */
  ended = false;
  /** How the connection is over. */
  closed: 'cleanly' | 'by reset' | undefined;
  /** Bytes of `received` that `response` has given out. */
  #read = 0;

  private constructor(socket: Socket) {
    this.socket = socket;
    let error: NodeJS.ErrnoException | undefined;
    socket.on('data', (chunk: Buffer) => void this.#chunks.push(chunk));
    socket.on('end', () => (this.ended = true));
    socket.on('error', (cause) => (error = cause));
    socket.on('close', () => (this.closed = error === undefined ? 'cleanly' : 'by reset'));
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true });
    const client = new RawClient(socket);
    onTestFinished(() => void socket.destroy());
    // A listener that is over its limit may reset it before anybody has seen it connected.
    await Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => undefined);
    return client;
  }

  static over(socket: Socket): RawClient {
    return new RawClient(socket);
  }

  get received(): Buffer {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0]!;
  }

  get text(): string {
    return this.received.toString('latin1');
  }

  send(bytes: string | Buffer): this {
    if (typeof bytes === 'string') this.socket.write(bytes, 'latin1');
    else this.socket.write(bytes);
    return this;
  }

  /** A request by method, target and more lines; `Host` is `app.test` unless there is one. */
  request(line = 'GET /', fields: readonly string[] = [], body = ''): this {
    const host = fields.some((field) => /^host:/i.test(field)) ? [] : ['Host: app.test'];
    return this.send(`${[`${line} HTTP/1.1`, ...host, ...fields].join('\r\n')}\r\n\r\n${body}`);
  }

  /** The next response, once all of it has come. */
  async response(framed: Framed = 'by head'): Promise<Response> {
    const response = await eventually(() => readResponse(this.received, this.#read, this.ended, framed));
    this.#read = response.end;
    return response;
  }

  /** What has come behind the responses that were read. */
  get rest(): string {
    return this.received.toString('latin1', this.#read);
  }

  async hear(text: string): Promise<void> {
    await eventually(() => this.text.includes(text));
  }

  /** How the connection ended, once it has. */
  async over(): Promise<'cleanly' | 'by reset'> {
    return eventually(() => {
      if (this.ended && !this.socket.writableEnded) this.socket.end();
      return this.closed;
    });
  }
}
