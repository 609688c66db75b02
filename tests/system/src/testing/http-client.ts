import { Agent, request } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

/** Where a public listener or an admin server is. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

export interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer | Readable;
  /** Keeps connections; absent: one of its own for this request. */
  readonly agent?: Agent;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Asks for a public hostname at an entry point, whatever DNS says; resolves with the head of the answer. */
export function open(place: Place, hostname: string, asked: Asked = {}): Promise<IncomingMessage> {
  const { method = 'GET', path = '/', headers = {}, body, agent = false } = asked;
  return new Promise((resolve, reject) => {
    const outgoing = request({
      ...place,
      method,
      path,
      agent,
      headers: { host: hostname, ...headers },
    });
    outgoing.once('response', resolve);
    outgoing.on('error', reject);
    if (typeof body === 'object' && !Buffer.isBuffer(body)) pipeline(body, outgoing).catch(reject);
    else outgoing.end(body);
  });
}

/** The same with the whole body as text. */
export async function ask(place: Place, hostname: string, asked: Asked = {}): Promise<Answer> {
  const incoming = await open(place, hostname, asked);
  const text = (await buffer(incoming)).toString();
  return { status: incoming.statusCode ?? 0, headers: incoming.headers, text };
}

/** Connections that are kept between requests. */
export function keptConnections(maxSockets: number): Agent {
  return new Agent({ keepAlive: true, maxSockets });
}
