import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** A service that keeps every byte that reaches it, and answers as the test says. */
export class RawService {
  received = '';
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(answer: (head: string, socket: Socket) => void) {
    this.#server = createServer({ noDelay: true }, (socket) => {
      let pending = '';
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        this.received += chunk.toString('latin1');
        pending += chunk.toString('latin1');
        const end = pending.indexOf('\r\n\r\n');
        if (end === -1) return;
        answer(pending.slice(0, end + 4), socket);
        // Whatever follows in the same request is its body.
        pending = '';
      });
    });
  }

  /** @param answer called for each read that completes a head */
  static async start(answer: (head: string, socket: Socket) => void): Promise<RawService> {
    const service = new RawService(answer);
    await new Promise<void>((resolve) => service.#server.listen(0, '127.0.0.1', resolve));
    return service;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What has come since the last call, without the fields that say who asks. */
  take(): string {
    const taken = this.received;
    this.received = '';
    return taken.replace(/(?:X-Forwarded-\w+|X-Real-IP|X-Request-Id|Via): [^\r]*\r\n/g, '');
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
