import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { Keystream, answerFor, eventOf, messageOf, proofOf } from '../content.ts';

type Answering = (request: IncomingMessage, response: ServerResponse, seed: string) => void;

/** Answers that look right, each with something that is not. */
export const LIES = {
  get: (_, response, seed) => {
    response.writeHead(200, { 'x-proof': proofOf(seed) }).end(answerFor(`${seed} of somebody else`));
  },
  put: (_, response, seed) => {
    response.writeHead(200, { 'x-proof': proofOf(seed), 'x-wrong': 'request body' }).end(answerFor(seed));
  },
  post: (_, response, seed) => {
    response.writeHead(200, { 'x-proof': proofOf('somebody else') }).end(answerFor(seed));
  },
  upload: (request, response) => {
    response.end(String(Number(request.headers['content-length']) - 1));
  },
  /** Every byte is right, and the last one is missing. */
  download: (request, response, seed) => {
    response.end(new Keystream(seed).take(Number(request.url?.split('/')[3]) - 1));
  },
  events: (_, response, seed) => {
    response.end(eventOf(seed, 1) + eventOf(seed, 0));
  },
} as const satisfies Readonly<Record<string, Answering>>;

/** A server that says what it is told to; its WebSockets skip a message. */
export async function startLiar(answer: Answering) {
  const server = createServer((request, response) => {
    if (request.url === '/readyz') return void response.end();
    request.resume();
    request.once('end', () => answer(request, response, request.url?.split('/')[2] ?? ''));
  });
  new WebSocketServer({ server }).on('connection', (webSocket, { url = '' }) => {
    webSocket.send(messageOf(url.split('/')[2] ?? '', 'service', 1));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    place: server.address() as AddressInfo,
    close: () => (server.closeAllConnections(), server.close()),
  };
}
