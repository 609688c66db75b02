import { createServer, type Server } from 'node:http';
import { type AddressInfo, type Server as NetServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { parseEdgeAddress, type EdgeAddress } from '@culvert/settings';
import { eventually, freePort } from '@culvert/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { selfSigned } from '../testing/certificate.ts';
import { connectEdge, EdgeUnreachableError, type EdgeConnection } from './edge-connector.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0).reverse()) stop();
});

async function listening(server: NetServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stops.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

function at(text: string): EdgeAddress {
  const address = parseEdgeAddress(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  return address;
}

/** Sends a word and waits for it to come back. */
async function echoes({ carrier, localAddress }: EdgeConnection): Promise<void> {
  expect(localAddress).toMatch(/^(127\.0\.0\.1|::1)$/);
  let received = '';
  carrier.start({
    onBytes: (buffer, start, end) => (received += buffer.toString('latin1', start, end)),
    onDrain: () => undefined,
    onClose: () => undefined,
  });
  carrier.write(Buffer.from('word'), () => undefined);
  await eventually(() => received === 'word');
  carrier.destroy();
}

describe('an edge reached over TLS', () => {
  const certificate = selfSigned();
  const serve = (): Promise<number> =>
    listening(createTlsServer(certificate, (socket) => socket.pipe(socket)));

  it('is taken when its certificate is vouched for', async () => {
    const port = await serve();
    await echoes(await connectEdge(at(`tls://127.0.0.1:${port}`), { ca: certificate.cert }));
    await echoes(await connectEdge(at(`tls://localhost:${port}`), { ca: certificate.cert }));
  });

  it('is not taken otherwise', async () => {
    const port = await serve();
    await expect(connectEdge(at(`tls://localhost:${port}`), {})).rejects.toMatchObject({
      name: 'EdgeUnreachableError',
      address: `tls://localhost:${port}`,
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    });
  });
});

describe('an edge reached over a WebSocket', () => {
  async function serve(): Promise<{ readonly port: number; readonly asked: string[] }> {
    const asked: string[] = [];
    const server: Server = createServer();
    const webSockets = new WebSocketServer({
      server,
      handleProtocols: (offered) => [...offered][0] ?? false,
    });
    webSockets.on('connection', (webSocket, request) => {
      asked.push(`${request.url} ${webSocket.protocol}`);
      webSocket.on('message', (data) => webSocket.send(data));
    });
    return { port: await listening(server), asked };
  }

  it('is asked for a link at the path of its address', async () => {
    const { port, asked } = await serve();
    await echoes(await connectEdge(at(`ws://127.0.0.1:${port}`), {}));
    await echoes(await connectEdge(at(`ws://127.0.0.1:${port}/other`), {}));
    expect(asked).toEqual(['/culvert/link culvert.v1', '/other culvert.v1']);
  });

  it('that answers otherwise is unreachable', async () => {
    const port = await listening(createServer((_request, response) => response.writeHead(404).end()));
    await expect(connectEdge(at(`ws://127.0.0.1:${port}`), {})).rejects.toThrow(/404/);
  });
});

it('an edge that nobody listens for is unreachable', async () => {
  const port = await freePort();
  const failure = connectEdge(at(`127.0.0.1:${port}`), {});
  await expect(failure).rejects.toBeInstanceOf(EdgeUnreachableError);
  await expect(failure).rejects.toMatchObject({ address: `tcp://127.0.0.1:${port}`, code: 'ECONNREFUSED' });
});
