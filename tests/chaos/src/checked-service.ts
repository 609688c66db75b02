import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { answerFor, eventOf, Keystream, KeystreamCheck, messageOf, proofOf, questionFor } from './content.ts';
import type { Ledger } from './ledger.ts';

const PIECE_BYTES = 65_536;
const MESSAGE_INTERVAL_MS = 100;
/** Methods that may arrive twice (RFC 9110 §9.2.2). */
const IDEMPOTENT = new Set(['GET', 'PUT']);

/**
 * A local service behind an agent whose every byte follows from the request, and which compares every byte that it is
 * sent. `/nonce/N`, `/upload/SEED`, `/download/SEED/BYTES/MS`, `/events/SEED/COUNT/MS`, and WebSockets at `/socket/SEED`.
 */
export class CheckedService {
  readonly #ledger: Ledger;
  #server: Server | undefined;
  #port = 0;

  private constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  static async start(ledger: Ledger): Promise<CheckedService> {
    const service = new CheckedService(ledger);
    await service.resume();
    return service;
  }

  /** As an ingress rule names it. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Begins to serve, or does so again at the same port. */
  async resume(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
    // What agents keep unused is theirs to close.
    server.keepAliveTimeout = 600_000;
    new WebSocketServer({ server }).on('connection', (webSocket, { url = '' }) => converse(webSocket, url));
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  /** As if it had crashed: everything that runs is reset, and nobody listens. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, what = '', seed = '', first = '', second = ''] = (request.url ?? '').split('/');
    this.#ledger.note(seed, IDEMPOTENT.has(request.method ?? ''));
    switch (what) {
      case 'nonce':
        return answerNonce(request, response, seed);
      case 'upload':
        return takeUpload(request, response, seed);
      case 'download':
        return sendDownload(response, seed, Number(first), Number(second));
      case 'events':
        return sendEvents(response, seed, Number(first), Number(second));
      default:
        response.writeHead(404).end();
    }
  }
}

async function answerNonce(request: IncomingMessage, response: ServerResponse, nonce: string): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const body = Buffer.concat(parts);
  const expected = request.method === 'GET' ? Buffer.alloc(0) : questionFor(nonce);
  const answer = answerFor(nonce);
  response.writeHead(200, {
    'content-length': answer.length,
    'x-proof': proofOf(nonce),
    ...(body.equals(expected) ? {} : { 'x-wrong': `request body of ${body.length} bytes` }),
  });
  response.end(answer);
}

async function takeUpload(request: IncomingMessage, response: ServerResponse, seed: string): Promise<void> {
  const check = new KeystreamCheck(seed);
  for await (const part of request) check.take(part as Buffer);
  const verdict = check.wrongFrom === undefined ? '' : ` wrong from ${check.wrongFrom}`;
  response.end(`${check.received}${verdict}`);
}

/** Chunked or with its length, by the seed. */
async function sendDownload(
  response: ServerResponse,
  seed: string,
  bytes: number,
  ms: number,
): Promise<void> {
  const isChunked = proofOf(seed) < '8';
  response.writeHead(200, isChunked ? {} : { 'content-length': bytes });
  await pipeline(downloadOf(seed, bytes, ms), response);
}

/** Spread evenly over the time. */
async function* downloadOf(seed: string, bytes: number, ms: number): AsyncGenerator<Buffer> {
  const content = new Keystream(seed);
  const pieces = Math.ceil(bytes / PIECE_BYTES);
  for (let at = 0; at < pieces; at++) {
    yield content.take(Math.min(PIECE_BYTES, bytes - at * PIECE_BYTES));
    await delay(ms / pieces);
  }
}

async function sendEvents(response: ServerResponse, seed: string, count: number, ms: number): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
  await pipeline(eventsOf(seed, count, ms), response);
}

async function* eventsOf(seed: string, count: number, ms: number): AsyncGenerator<string> {
  for (let at = 0; at < count; at++) {
    yield eventOf(seed, at);
    await delay(ms / count);
  }
}

/** Sends back what is the next right message, and its own; ends on the first wrong one. */
function converse(webSocket: WebSocket, url: string): void {
  const seed = url.split('/')[2] ?? '';
  let received = 0;
  let sent = 0;
  const timer = setInterval(() => {
    webSocket.send(messageOf(seed, 'service', sent));
    sent++;
  }, MESSAGE_INTERVAL_MS);
  webSocket.on('error', () => undefined);
  webSocket.on('close', () => clearInterval(timer));
  webSocket.on('message', (data: Buffer) => {
    const text = data.toString();
    if (text !== messageOf(seed, 'client', received))
      return webSocket.close(4_000, `not message ${received}`);
    received++;
    webSocket.send(text);
  });
}
