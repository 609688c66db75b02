import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Installation, SHOP } from './testing/installation.ts';
import { WireClient } from './testing/wire-client.ts';

/** Switches to what is asked for and echoes in capitals, or answers with the status in the path. */
function upgradingService(): Server {
  const server = createServer((request, response) => {
    response.writeHead(Number(request.url?.slice(1)), { 'x-why': 'so' }).end('declined');
  });
  server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
    const status = Number(request.url?.slice(1));
    if (status > 0) {
      const connection = 'Connection: close, Upgrade\r\nUpgrade: SPDY/4';
      const head = `HTTP/1.1 ${status} So\r\nX-Why: so\r\nContent-Length: 8\r\n${connection}\r\n\r\n`;
      return void socket.end(`${head}declined`);
    }
    const upgrade = request.headers.upgrade ?? '';
    socket.write(`HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}\r\n\r\nfirst `);
    socket.on('data', (bytes) => socket.write(bytes.toString().toUpperCase()));
    socket.on('end', () => socket.end('last'));
  });
  return server;
}

describe('an upgrade as of kubectl exec', () => {
  let site: Installation;
  const service = upgradingService();
  beforeAll(async () => {
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
    site = await Installation.start({ routes: [{ hostname: 'api.example.com', tunnel: SHOP }] });
    const { port } = service.address() as AddressInfo;
    await site.attach({ ingress: [{ service: `http://127.0.0.1:${port}` }] });
  });
  afterAll(async () => {
    await site?.stop();
    service.close();
  });

  const head = (path: string, framing: string): string =>
    `POST ${path} HTTP/1.1\r\nHost: api.example.com\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n${framing}\r\n`;

  it.each([
    ['no length', ''],
    ['a length of zero', 'Content-Length: 0\r\n'],
  ])('with %s becomes raw bytes both ways, none of them lost', async (_name, framing) => {
    const client = await WireClient.open(site.edge(0).http);
    client.send(`${head('/', framing)}early `);
    await client.until(/^HTTP\/1\.1 101 [^]*\r\nUpgrade: SPDY\/3\.1\r\n(?:[^\r]+\r\n)*\r\nfirst EARLY $/);
    client.send('late ');
    await client.until(/first EARLY LATE $/);
    client.socket.end();
    await client.until(/first EARLY LATE last$/);
    await client.untilClosed();
  });

  it.each([200, 302, 400, 404, 426, 500])(
    'that is answered with %i gets that answer as it is',
    async (status) => {
      const client = await WireClient.open(site.edge(0).http);
      client.send(head(`/${status}`, 'Content-Length: 0\r\n'));
      const [answer] = await client.until(/^HTTP\/1\.1 [^]*\r\n\r\ndeclined$/);
      expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} So\\r\\n(?:[^\\r]+\\r\\n)*X-Why: so\\r\\n`));
      // Only there it says something about this request (RFC 9110 §15.5.22).
      expect(answer.includes('Upgrade: SPDY/4\r\n')).toBe(status === 426);
      client.destroy();
    },
  );
});
