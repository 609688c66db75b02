import { WebSocket } from 'ws';
import { messageOf } from '../content.ts';
import { UnfitAnswerError, WrongBytesError } from './kind.ts';
import type { Errand, Kind } from './kind.ts';

const MESSAGE_INTERVAL_MS = 100;
const HANDSHAKE_MS = 30_000;
/** For the last echoes to come back. */
const SILENCE_MS = 10_000;

/** A WebSocket that lives for so many ms: both sides count, and the client ends it once all has come back. */
export function socket(ms: number): Kind {
  return { name: 'socket', run: (errand) => converse(errand, ms) };
}

function converse({ user, hostname, seed }: Errand, ms: number): Promise<void> {
  const webSocket = new WebSocket(`ws://${hostname}/socket/${seed}`, {
    createConnection: () => user.connect(),
    handshakeTimeout: HANDSHAKE_MS,
    perMessageDeflate: false,
  });
  return new Conversation(webSocket, seed, Math.ceil(ms / MESSAGE_INTERVAL_MS)).over;
}

class Conversation {
  readonly over: Promise<void>;
  readonly #webSocket: WebSocket;
  readonly #seed: string;
  readonly #count: number;
  #sent = 0;
  #echoed = 0;
  #received = 0;
  #timer: NodeJS.Timeout | undefined;
  #error: Error | undefined;
  #settle: (error?: Error) => void = () => undefined;

  constructor(webSocket: WebSocket, seed: string, count: number) {
    this.#webSocket = webSocket;
    this.#seed = seed;
    this.#count = count;
    this.over = new Promise((resolve, reject) => {
      this.#settle = (error) => (error === undefined ? resolve() : reject(error));
    });
    webSocket.on('open', () => (this.#timer = setInterval(() => this.#say(), MESSAGE_INTERVAL_MS)));
    webSocket.on('message', (data: Buffer) => this.#hear(data.toString()));
    webSocket.on('unexpected-response', (_, { statusCode, headers }) => {
      this.#error = new UnfitAnswerError(`${statusCode ?? 0} ${String(headers['x-culvert-error'])}`);
      webSocket.terminate();
    });
    webSocket.on('error', (error) => (this.#error ??= error));
    webSocket.on('close', (code) => this.#close(code));
  }

  #say(): void {
    if (this.#sent === this.#count) {
      clearInterval(this.#timer);
      this.#timer = setTimeout(() => this.#webSocket.terminate(), SILENCE_MS);
      return this.#endWhenDone();
    }
    this.#webSocket.send(messageOf(this.#seed, 'client', this.#sent));
    this.#sent++;
  }

  #hear(text: string): void {
    if (text === messageOf(this.#seed, 'client', this.#echoed)) this.#echoed++;
    else if (text === messageOf(this.#seed, 'service', this.#received)) this.#received++;
    else {
      this.#error = new WrongBytesError(`message after ${this.#echoed} echoes: ${text.slice(0, 80)}`);
      this.#webSocket.terminate();
    }
    this.#endWhenDone();
  }

  #endWhenDone(): void {
    if (this.#sent === this.#count && this.#echoed === this.#count) this.#webSocket.close(1_000);
  }

  #close(code: number): void {
    clearInterval(this.#timer);
    clearTimeout(this.#timer);
    if (this.#error !== undefined) return this.#settle(this.#error);
    if (code === 4_000) return this.#settle(new WrongBytesError('the service was sent another message'));
    if (code === 1_000 && this.#echoed === this.#count) return this.#settle();
    this.#settle(new UnfitAnswerError(`closed with ${code} after ${this.#echoed} of ${this.#count} echoes`));
  }
}
