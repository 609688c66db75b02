import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '@culvert/testkit';
import { ResetCode } from '@culvert/wire';
import { attachAgent, get, post, type AttachedAgent } from '../testing/attached-agent.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A real HTTP server behind an attached agent; `sockets` counts the connections that it got. */
async function serve(handler: Handler, more: object = {}) {
  const server: Server = createServer(handler);
  const sockets: Socket[] = [];
  server.on('connection', (socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stops.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const attached: AttachedAgent = await attachAgent(
    `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    more,
  );
  stops.push(attached.stop);
  return { ...attached, server, sockets };
}

const over = (answer: { over: boolean }) => eventually(() => answer.over);

describe('a request to a service', () => {
  it('carries its head as the edge sent it and gets a small answer in one frame', async () => {
    let seen: IncomingMessage | undefined;
    const { edge } = await serve((request, response) => {
      seen = request;
      response.setHeader('content-length', '5').end('hello');
    });
    const answer = edge.request(get('/a?b=%20c', 'X-Request-Id: r1\r\nX-forwarded-for: 192.0.2.1\r\n'));
    await over(answer);
    expect(seen?.url).toBe('/a?b=%20c');
    expect(seen?.headers).toMatchObject({
      host: 'app.test',
      'x-request-id': 'r1',
      'x-forwarded-for': '192.0.2.1',
    });
    expect(answer).toMatchObject({ status: 200, text: 'hello', ended: true, frames: 1 });
    expect(answer.heads[0]).toMatch(/^HTTP\/1\.1 200 OK\r\n(?:[^\r]+\r\n)*Content-Length: 5\r\n\r\n$/);
    expect(answer.heads[0]).not.toMatch(/^(?:connection|keep-alive):/im);
  });

  it('uses a kept-alive connection again', async () => {
    const { edge, sockets, agent } = await serve((_request, response) => response.end('x'));
    for (let turn = 0; turn < 5; turn++) await over(edge.request(get()));
    expect(sockets).toHaveLength(1);
    expect(agent.counters).toMatchObject({ requests: 5, requestsOpen: 0, upstreamOpen: 1, upstreamIdle: 1 });
  });

  it('does not wait for another one on the same service', async () => {
    const waiting: ServerResponse[] = [];
    const { edge } = await serve((request, response) => {
      if (request.url === '/slow') waiting.push(response);
      else response.end('fast');
    });
    const slow = edge.request(get('/slow'));
    const fast = edge.request(get('/fast'));
    await over(fast);
    expect(slow.over).toBe(false);
    waiting[0]?.end('slow');
    await over(slow);
    expect(slow.text).toBe('slow');
  });

  it('passes a chunked answer on without its coding, with the trailers', async () => {
    const { edge, sockets } = await serve((_request, response) => {
      response.setHeader('trailer', 'x-sum');
      response.write('one ');
      response.write('two');
      response.addTrailers({ 'x-sum': '7' });
      response.end();
    });
    const answer = edge.request(get());
    await over(answer);
    expect(answer).toMatchObject({ text: 'one two', trailers: 'x-sum: 7\r\n', ended: true });
    expect(answer.heads[0]).toContain('\r\nTransfer-Encoding: chunked\r\n');
    await over(edge.request(get()));
    expect(sockets).toHaveLength(1);
  });

  it.each([
    ['a known length', 'Content-Length: 11\r\n'],
    ['an unknown length', 'Transfer-Encoding: chunked\r\n'],
  ])('brings a body of %s whole', async (_name, framing) => {
    const { edge, sockets } = await serve((request, response) => {
      request.pipe(response);
    });
    const atOnce = edge.request(post(framing), { body: 'hello world' });
    await over(atOnce);
    expect(atOnce.text).toBe('hello world');
    const inParts = edge.request(post(framing), { open: true });
    inParts.send('hello ');
    inParts.send('world', true);
    await over(inParts);
    expect(inParts).toMatchObject({ text: 'hello world', ended: true });
    expect(sockets).toHaveLength(1);
  });

  it('brings the trailers of a chunked body', async () => {
    const { edge } = await serve((request, response) => {
      request.resume().on('end', () => response.end(request.trailers['x-sum']));
    });
    const answer = edge.request(post('Transfer-Encoding: chunked\r\n'), { body: 'x', open: true });
    answer.stream?.sendTrailers('X-Sum: 42\r\n');
    await over(answer);
    expect(answer.text).toBe('42');
  });

  it('passes interim answers on, and waits with the body for 100', async () => {
    const { edge, server } = await serve((request, response) => {
      response.writeEarlyHints({ link: '</a.css>; rel=preload' });
      request.pipe(response);
    });
    server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      response.writeContinue();
      server.emit('request', request, response);
    });
    const answer = edge.request(post('Content-Length: 2\r\nExpect: 100-continue\r\n'), { open: true });
    await eventually(() => answer.heads.length === 2);
    expect(answer.heads[0]).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    expect(answer.heads[1]).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>; rel=preload\r\n\r\n$/i);
    answer.send('ok', true);
    await over(answer);
    expect(answer).toMatchObject({ status: 200, text: 'ok' });
  });

  it('keeps the length that HEAD and 304 tell, and no body', async () => {
    const { edge, sockets } = await serve((request, response) => {
      if (request.method === 'HEAD') response.setHeader('content-length', '1234').end();
      else response.writeHead(304, { 'content-length': '99', etag: '"a"' }).end();
    });
    const head = edge.request('HEAD / HTTP/1.1\r\nHost: app.test\r\n\r\n');
    await over(head);
    expect(head).toMatchObject({ status: 200, bytes: 0, ended: true });
    expect(head.heads[0]).toContain('Content-Length: 1234\r\n');
    const unchanged = edge.request(get());
    await over(unchanged);
    expect(unchanged).toMatchObject({ status: 304, bytes: 0, ended: true });
    expect(unchanged.heads[0]).toContain('Content-Length: 99\r\n');
    expect(sockets).toHaveLength(1);
  });

  it('ends a 204 at its head', async () => {
    const { edge } = await serve((_request, response) => response.writeHead(204).end());
    const answer = edge.request(get());
    await over(answer);
    expect(answer).toMatchObject({ status: 204, bytes: 0, ended: true });
    expect(answer.heads[0]).not.toMatch(/content-length|transfer-encoding/i);
  });

  it('keeps several fields of one name apart', async () => {
    const { edge } = await serve((_request, response) => {
      response.setHeader('set-cookie', ['a=1', 'b=2']).end();
    });
    const answer = edge.request(get());
    await over(answer);
    expect(answer.heads[0]?.match(/^set-cookie: .=.\r$/gim)).toHaveLength(2);
  });
});

describe('an upgrade', () => {
  it('becomes raw bytes both ways, those that came with the head included', async () => {
    const { edge, server, agent } = await serve(() => undefined);
    server.on('upgrade', (_request, socket: Socket) => {
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\nX-A: b\r\n\r\nfirst ',
      );
      socket.on('data', (chunk) => socket.write(chunk.toString().toUpperCase()));
      socket.on('end', () => socket.end(' bye'));
    });
    const answer = edge.request(get('/', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'), { open: true });
    await eventually(() => answer.status === 101);
    expect(answer.heads[0]).toBe(
      'HTTP/1.1 101 Switching Protocols\r\nX-A: b\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n',
    );
    answer.send('ping');
    await eventually(() => answer.text === 'first PING');
    answer.stream?.sendEnd();
    await over(answer);
    expect(answer).toMatchObject({ text: 'first PING bye', ended: true, reset: undefined });
    await eventually(() => agent.counters.rawStreamsOpen === 0);
    expect(agent.counters).toMatchObject({ upgrades: 1, requestsOpen: 0 });
  });

  it.each([
    ['without a body', ''],
    ['with a body of no length', 'Content-Length: 0\r\n'],
  ])('may be asked for by POST %s, and with any protocol', async (_name, framing) => {
    const { edge, server } = await serve(() => undefined);
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      const asked = `${request.method} ${request.headers.upgrade} ${head.toString()}`;
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n${asked}|`,
      );
      socket.pipe(socket);
    });
    const fields = `Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n`;
    const answer = edge.request(post(fields + framing), { open: true, body: 'early ' });
    answer.send('late');
    answer.stream?.sendEnd();
    await over(answer);
    expect(answer).toMatchObject({ status: 101, ended: true, reset: undefined });
    expect(answer.text).toBe('POST SPDY/3.1 |early late');
  });

  it.each([200, 302, 400, 404, 500])(
    'that the service answers with %i is an ordinary answer',
    async (status) => {
      const { edge } = await serve((_request, response) => {
        response.writeHead(status, { 'x-why': 'so' }).end(`no: ${status}`);
      });
      const fields = 'Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n';
      const answer = edge.request(post(fields), { open: true, body: 'early' });
      await eventually(() => answer.ended);
      expect(answer).toMatchObject({ status, text: `no: ${status}` });
      expect(answer.heads[0]).toContain('x-why: so\r\n');
    },
  );

  it('that the service declines is an ordinary answer', async () => {
    const { edge } = await serve((_request, response) => response.writeHead(403).end('no'));
    const answer = edge.request(get('/', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'), { open: true });
    await over(answer);
    expect(answer).toMatchObject({ status: 403, text: 'no', ended: true });
  });
});

describe('a request that is given up', () => {
  it('aborts its connection to the service at once', async () => {
    const gone: string[] = [];
    const { edge, agent } = await serve((request, response) => {
      response.on('close', () => gone.push(request.url ?? ''));
      response.write('some');
    });
    const answer = edge.request(get('/watched'));
    await eventually(() => answer.text === 'some');
    answer.stream?.reset(ResetCode.Cancelled);
    await eventually(() => gone.length === 1);
    await eventually(() => agent.counters.upstreamOpen === 0);
    expect(agent.counters.requestsOpen).toBe(0);
  });

  it('is aborted likewise when its link is lost', async () => {
    let closed = false;
    const { edge } = await serve((_request, response) => {
      response.on('close', () => (closed = true));
      response.write('some');
    });
    const answer = edge.request(get());
    await eventually(() => answer.text === 'some');
    edge.links[0]?.close(11, 'gone');
    await eventually(() => closed);
  });

  it('is answered with a timeout when the service says nothing', async () => {
    const { edge } = await serve(() => undefined, { upstream: { firstByteTimeout: '300ms' } });
    const answer = edge.request(get());
    await over(answer);
    expect(answer.reset?.code).toBe(ResetCode.UpstreamTimeout);
  });
});

describe('large bodies', () => {
  const SIZE = 64 << 20;

  it('come down whole, and no faster than they are taken', async () => {
    let written = 0;
    const part = Buffer.alloc(1 << 16, 'x');
    const { edge } = await serve((_request, response) => {
      response.setHeader('content-length', String(SIZE));
      const more = (): void => {
        while (written < SIZE) {
          written += part.length;
          if (!response.write(part)) return void response.once('drain', more);
        }
        response.end();
      };
      more();
    });
    const answer = edge.request(get());
    answer.takes = false;
    answer.keeps = false;
    await eventually(() => answer.bytes === 65_536);
    // What fits the sockets' buffers is on its way; the rest of the 64 MiB must not be.
    let before = -1;
    await eventually(() => {
      const still = before === written;
      before = written;
      return still;
    });
    expect(answer.bytes).toBe(65_536);
    expect(written).toBeLessThan(SIZE / 2);
    answer.takes = true;
    answer.stream?.taken(65_536);
    await eventually(() => answer.over, { timeoutMs: 20_000 });
    expect(answer).toMatchObject({ bytes: SIZE, ended: true });
  });

  it('go up whole, and no faster than the service reads', async () => {
    let request: IncomingMessage | undefined;
    let received = 0;
    const { edge } = await serve((incoming, response) => {
      request = incoming;
      incoming.pause();
      incoming.on('end', () => response.end(String(received)));
    });
    const answer = edge.request(post(`Content-Length: ${SIZE}\r\n`), { open: true });
    const part = Buffer.alloc(1 << 16, 'x');
    let sent = 0;
    const upload = (): void => {
      while (sent < SIZE) {
        sent += part.length;
        if (!answer.stream!.sendData(part, 0, part.length, sent === SIZE)) return;
      }
    };
    answer.onDrain = upload;
    upload();
    await eventually(() => request);
    let before = -1;
    await eventually(() => {
      const still = before === sent;
      before = sent;
      return still;
    });
    expect(sent).toBeLessThan(SIZE / 2);
    request!.on('data', (chunk: Buffer) => (received += chunk.length));
    request!.resume();
    await eventually(() => answer.over, { timeoutMs: 20_000 });
    expect(answer.text).toBe(String(SIZE));
  });
});
