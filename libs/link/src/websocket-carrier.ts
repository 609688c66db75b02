import { remoteText } from '@culvert/socket';
import type { RemoteEnd } from '@culvert/socket';
import type { WebSocket } from 'ws';
import type { Carrier, CarrierSink } from './carrier.ts';

/** How long the closing handshake may take. */
const LINGER_MS = 1_000;

/** A link over a WebSocket, for networks that only let HTTPS out: each write is one binary message. */
export class WebSocketCarrier implements Carrier {
  readonly remote: string;
  readonly #webSocket: WebSocket;
  #sink: CarrierSink | undefined;
  #error: Error | undefined;
  #linger: NodeJS.Timeout | undefined;
  #early: Buffer[] = [];

  /** @param transport the socket below, for its address */
  constructor(webSocket: WebSocket, transport: RemoteEnd) {
    this.#webSocket = webSocket;
    this.remote = remoteText(transport);
    webSocket.binaryType = 'nodebuffer';
    webSocket.on('error', (error) => {
      this.#error = error;
    });
    webSocket.on('message', (message: Buffer, isBinary) => this.#onMessage(message, isBinary));
    webSocket.on('close', () => this.#onClose());
  }

  get backlog(): number {
    return this.#webSocket.bufferedAmount;
  }

  start(sink: CarrierSink): void {
    this.#sink = sink;
    for (const message of this.#early.splice(0)) sink.onBytes(message, 0, message.length);
    if (this.#webSocket.readyState === this.#webSocket.CLOSED) setImmediate(() => this.#onClose());
  }

  write(bytes: Buffer, done: () => void): void {
    this.#webSocket.send(bytes, { binary: true, compress: false }, () => {
      done();
      if (this.backlog === 0) this.#sink?.onDrain();
    });
  }

  end(): void {
    this.#webSocket.close(1000);
    this.#linger ??= setTimeout(() => this.#webSocket.terminate(), LINGER_MS).unref();
  }

  destroy(): void {
    this.#webSocket.terminate();
  }

  #onClose(): void {
    clearTimeout(this.#linger);
    this.#sink?.onClose(this.#error);
  }

  #onMessage(message: Buffer, isBinary: boolean): void {
    if (!isBinary) {
      this.#error = undefined;
      this.#webSocket.close(1003);
      return;
    }
    if (this.#sink === undefined) this.#early.push(message);
    else this.#sink.onBytes(message, 0, message.length);
  }
}
