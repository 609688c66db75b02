import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { listen, type ListenAddress } from '@culvert/lifecycle';

// Importing node:http as an ES module reads all its exports, one of which loads the WebSocket client: 13 MiB.
const http = process.getBuiltinModule('node:http');

export interface DemoService {
  readonly address: ListenAddress;
  close(): Promise<void>;
}

/** A small service on a free loopback port that tells what reached it: something to see before one has a service. */
export async function startDemoService(): Promise<DemoService> {
  const server = http.createServer(answer);
  const address = await listen(server, { host: '127.0.0.1', port: 0 }, 'demo service');
  return { address, close: () => close(server) };
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const html = request.headers.accept?.includes('text/html') === true;
  const text = describe(request);
  const body = html ? page(text) : text;
  request.resume();
  response.writeHead(200, {
    'content-type': html ? 'text/html; charset=utf-8' : 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function describe(request: IncomingMessage): string {
  const fields: string[] = [];
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    fields.push(`${request.rawHeaders[at] ?? ''}: ${request.rawHeaders[at + 1] ?? ''}`);
  }
  return `Hello from behind the tunnel.\n\n${request.method ?? ''} ${request.url ?? ''}\n${fields.join('\n')}\n`;
}

function page(text: string): string {
  return `<!doctype html><meta charset="utf-8"><title>culvert demo</title>\n<pre>${escapeHtml(text)}</pre>\n`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeAllConnections();
  await closed;
}
