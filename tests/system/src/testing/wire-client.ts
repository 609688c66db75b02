import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { eventually } from '@culvert/testkit';
import type { Place } from './http-client.ts';

/** A connection whose bytes the test writes and reads itself. */
export class WireClient {
  readonly socket: Socket;
  received: Buffer = Buffer.alloc(0);
  closed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
    });
    socket.on('error', () => undefined);
    socket.once('close', () => void (this.closed = true));
  }

  /** @param from the loopback address to come from */
  static async open({ host, port }: Place, from = '127.0.0.1'): Promise<WireClient> {
    const socket = connect({ host, port, noDelay: true, localAddress: from });
    await once(socket, 'connect');
    return new WireClient(socket);
  }

  get text(): string {
    return this.received.toString('latin1');
  }

  send(bytes: string | Buffer): void {
    this.socket.write(bytes, 'latin1');
  }

  /** Resolves once everything received so far fits. */
  async until(fits: RegExp): Promise<RegExpExecArray> {
    return eventually(() => fits.exec(this.text), { timeoutMs: 15_000 });
  }

  async untilClosed(): Promise<void> {
    await eventually(() => this.closed, { timeoutMs: 15_000 });
  }

  destroy(): void {
    this.socket.destroy();
  }
}
