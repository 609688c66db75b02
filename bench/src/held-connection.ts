import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { BenchFault } from './fault.ts';

/** Where a contestant is reached: a loopback port and the hostname to ask for. */
export interface Address {
  readonly port: number;
  readonly hostname: string;
}

/** One kept-alive client connection that sends small requests one after the other. */
export class HeldConnection {
  readonly #socket: Socket;
  readonly #address: Address;
  #answer = '';
  #waiting: PromiseWithResolvers<number> | undefined;

  private constructor(socket: Socket, address: Address) {
    this.#socket = socket;
    this.#address = address;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', () => undefined); // 'close' follows and tells whoever waits
    socket.on('close', () => this.#waiting?.reject(new BenchFault(`port ${address.port} hung up`)));
  }

  static async open(address: Address, timeout = 8_000): Promise<HeldConnection> {
    const socket = connect({ port: address.port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect', { signal: AbortSignal.timeout(timeout) });
    return new HeldConnection(socket, address);
  }

  /** Asks for `/` and waits for the whole answer; returns its status. A late answer ends the connection. */
  async get(timeout = 8_000): Promise<number> {
    if (this.#socket.closed) throw new BenchFault(`port ${this.#address.port} hung up before the request`);
    this.#waiting = Promise.withResolvers();
    this.#answer = '';
    const timer = setTimeout(() => this.#socket.destroy(), timeout);
    this.#socket.write(`GET / HTTP/1.1\r\nHost: ${this.#address.hostname}\r\n\r\n`);
    try {
      return await this.#waiting.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#answer += chunk.toString('latin1');
    if (isWhole(this.#answer)) this.#waiting?.resolve(Number(this.#answer.slice(9, 12)));
  }
}

/** Tells whether a small answer with Content-Length, or with no body at all, is there to its end. */
function isWhole(answer: string): boolean {
  const head = answer.indexOf('\r\n\r\n');
  if (head < 0) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(answer.slice(0, head))?.[1] ?? '0';
  return answer.length >= head + 4 + Number(length);
}

/** Asks once over a connection of its own; undefined while there is no answer 200. */
export async function answers(address: Address, timeout = 2_000): Promise<true | undefined> {
  let connection: HeldConnection | undefined;
  try {
    connection = await HeldConnection.open(address, timeout);
    return (await connection.get(timeout)) === 200 ? true : undefined;
  } catch {
    // Refused, reset or late: not up yet, the caller asks again.
    return undefined;
  } finally {
    connection?.close();
  }
}
