import type { Socket } from 'node:net';
import { own, remoteText } from '@culvert/socket';
import type { SocketOwner } from '@culvert/socket';
import type { Carrier, CarrierSink } from './carrier.ts';

/** How long the last bytes may take to leave. */
const LINGER_MS = 1_000;

/** A link over a connected TCP or TLS socket. Takes ownership of the socket. */
export class SocketCarrier implements Carrier, SocketOwner {
  readonly remote: string;
  readonly #socket: Socket;
  /** What was read behind the preface before the socket became a link. */
  readonly #rest: Buffer;
  #sink: CarrierSink | undefined;
  #error: Error | undefined;
  #linger: NodeJS.Timeout | undefined;

  constructor(socket: Socket, rest: Buffer = Buffer.alloc(0)) {
    this.#socket = socket;
    this.#rest = rest;
    this.remote = remoteText(socket);
    socket.setNoDelay(true);
    socket.on('error', (error) => {
      this.#error = error;
    });
  }

  get backlog(): number {
    return this.#socket.writableLength;
  }

  start(sink: CarrierSink): void {
    this.#sink = sink;
    own(this.#socket, this);
    if (this.#socket.closed) setImmediate(() => this.onSocketClose());
    if (this.#rest.length > 0) sink.onBytes(this.#rest, 0, this.#rest.length);
    this.#socket.resume();
  }

  write(bytes: Buffer, done: () => void): void {
    this.#socket.write(bytes, done);
  }

  end(): void {
    this.#socket.end();
    this.#linger ??= setTimeout(() => this.#socket.destroy(), LINGER_MS).unref();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  onSocketRead(bytes: number, buffer: Buffer): void {
    this.#sink?.onBytes(buffer, 0, bytes);
  }

  onSocketDrain(): void {
    this.#sink?.onDrain();
  }

  onSocketEnd(): void {
    this.#socket.end();
  }

  onSocketClose(): void {
    clearTimeout(this.#linger);
    this.#sink?.onClose(this.#error);
  }
}
