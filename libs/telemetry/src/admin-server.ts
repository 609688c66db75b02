import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { listen, stopListening, within, type ListenAddress } from '@culvert/lifecycle';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';

// Importing node:http as an ES module reads all its exports, one of which loads the WebSocket client: 13 MiB.
const http = process.getBuiltinModule('node:http');

export interface AdminServerOptions {
  readonly listen: ListenAddress;
  /** True while the service takes work; otherwise the reason why not. */
  readonly ready: () => true | string;
  readonly metrics: Pick<Metrics, 'expose'>;
  /** What the service tells of itself at `/status`, as JSON: names and numbers, never secrets. */
  readonly status?: () => object | Promise<object>;
  /** Takes what is not one of the fixed paths; resolves with whether it answered. */
  readonly handler?: (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;
  readonly logger: Logger;
}

export interface AdminServer {
  /** Where it listens, with the port that was assigned. */
  readonly address: ListenAddress;
  /** Takes no more requests and ends the running ones after a short grace. */
  close(): Promise<void>;
}

/** Times in ms. The admin address serves people and scrapers: few connections, none of them slow for good reason. */
const LIMITS = {
  headersTimeout: 5_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 10_000,
  maxHeaderSize: 16_384,
};
const MAX_CONNECTIONS = 512;
const CLOSE_GRACE = 1_000;
const FRESH_GRACE = 100;

/** Serves `/healthz`, `/readyz`, `/metrics` and, where there is one, `/status`; lets `handler` serve the rest. */
export async function startAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  const server = http.createServer(LIMITS, (request, response) => {
    answer(request, response, options).catch((error: unknown) => {
      options.logger.error('admin request failed', { path: pathOf(request), error });
      sendError(response, 500, 'internal', 'the request failed; the log says why');
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  const address = await listen(server, options.listen, 'admin');
  let closing: Promise<void> | undefined;
  return { address, close: () => (closing ??= close(server)) };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: AdminServerOptions,
): Promise<void> {
  switch (pathOf(request)) {
    case '/healthz':
      return sendText(response, 200, 'ok\n');
    case '/readyz': {
      const ready = options.ready();
      return ready === true ? sendText(response, 200, 'ok\n') : sendText(response, 503, `${ready}\n`);
    }
    case '/metrics': {
      const { contentType, text } = await options.metrics.expose();
      return sendText(response, 200, text, contentType);
    }
    default:
      return answerMore(request, response, options);
  }
}

/** What not every service has. */
async function answerMore(
  request: IncomingMessage,
  response: ServerResponse,
  { status, handler }: AdminServerOptions,
): Promise<void> {
  const path = pathOf(request);
  if (path === '/status' && status !== undefined) {
    return sendText(response, 200, `${JSON.stringify(await status())}\n`, 'application/json');
  }
  if ((await handler?.(request, response)) === true) return;
  sendError(response, 404, 'not_found', `nothing at ${path}`);
}

function pathOf(request: IncomingMessage): string {
  const target = request.url ?? '/';
  const query = target.indexOf('?');
  return query === -1 ? target : target.slice(0, query);
}

function sendText(
  response: ServerResponse,
  status: number,
  text: string,
  type = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(text);
}

function sendError(response: ServerResponse, status: number, code: string, message: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  sendText(response, status, JSON.stringify({ error: { code, message } }), 'application/json');
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.once('close', () => resolve());
  });
  stopListening(server);
  // Whoever has just connected is about to ask.
  await within(closed, FRESH_GRACE);
  server.closeIdleConnections();
  if ((await within(closed, CLOSE_GRACE)) === 'timeout') server.closeAllConnections();
  await closed;
}
