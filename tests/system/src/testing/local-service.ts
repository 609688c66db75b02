import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { WebSocketServer } from 'ws';
import { bulk, receiveBulk } from './bulk.ts';

/** What a service says of a request that reached it. */
export interface Echo {
  readonly service: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * A service as a customer has it, behind an agent. `/bytes/N` answers with N bytes of bulk content, `/upload` takes
 * such content and answers with its length, `/gate` answers when the test opens the gate, `/events` sends what the
 * test says, everything else is echoed; WebSocket messages are sent back.
 */
export class LocalService {
  readonly name: string;
  /** Requests taken so far. */
  requests = 0;
  readonly #server: Server;
  readonly #gated: ServerResponse[] = [];
  readonly #events: ServerResponse[] = [];

  private constructor(name: string) {
    this.name = name;
    this.#server = createServer((request, response) => {
      this.requests++;
      this.#answer(request, response).catch(() => response.destroy());
    });
    // As its own limit: a long head is the edge's to refuse.
    new WebSocketServer({ server: this.#server }).on('connection', (webSocket) => {
      webSocket.on('message', (data, isBinary) => webSocket.send(data, { binary: isBinary }));
    });
  }

  /** On a free port, unless it is to be the one that another had. */
  static async start(name: string, port = 0): Promise<LocalService> {
    const service = new LocalService(name);
    await new Promise<void>((resolve) => service.#server.listen(port, '127.0.0.1', resolve));
    return service;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** As an ingress rule names it. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Requests that wait at the gate. */
  get waiting(): number {
    return this.#gated.length;
  }

  /** Listeners of `/events`. */
  get listeners(): number {
    return this.#events.length;
  }

  openGate(): void {
    for (const response of this.#gated.splice(0)) response.end(`through the gate of ${this.name}\n`);
  }

  emit(event: string): void {
    for (const response of this.#events) response.write(`data: ${event}\n\n`);
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, first = '', second = ''] = (request.url ?? '').split('/');
    switch (first) {
      case 'bytes':
        response.writeHead(200, { 'content-length': second });
        return pipeline(bulk(Number(second)), response);
      case 'upload':
        return void response.end(`${await receiveBulk(request)}`);
      case 'gate':
        return void this.#gated.push(response);
      case 'events':
        response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
        return void this.#events.push(response);
      default:
        return this.#echo(request, response);
    }
  }

  /** After the whole request. */
  async #echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
    await buffer(request);
    const { method = '', url = '', headers } = request;
    const body = JSON.stringify({ service: this.name, method, url, headers });
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'x-service': this.name,
    });
    response.end(body);
  }
}
