import type { IncomingHttpHeaders, ServerHttp2Stream, ServerOptions } from 'node:http2';
import { eventually, freePort } from '@culvert/testkit';
import { ResetCode } from '@culvert/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { RawService } from '../testing/agent-kit.ts';
import { attachAgent, get, post } from '../testing/attached-agent.ts';
import { Http2Service } from '../testing/http2-service.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function serve(
  onStream: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number) => void,
  options: { readonly server?: ServerOptions; readonly agent?: object } = {},
) {
  const service = await Http2Service.start(onStream, options.server);
  stops.push(() => service.stop());
  const attached = await attachAgent(service.url, options.agent);
  stops.push(attached.stop);
  return { ...attached, service };
}

const over = (answer: { over: boolean }) => eventually(() => answer.over);

describe('a request to a service that speaks HTTP/2', () => {
  it('carries method, target, host and fields, without those of an HTTP/1.1 connection', async () => {
    let seen: IncomingHttpHeaders = {};
    let last = 0;
    const { edge } = await serve((stream, headers, flags) => {
      seen = headers;
      last = flags;
      stream.respond({ ':status': 200, 'content-length': 5, 'x-a': 'b' });
      stream.end('hello');
    });
    const fields =
      'X-Request-Id: r1\r\nConnection: TE\r\nTE: trailers\r\nCookie: a=1\r\nX-Many: 1\r\nx-many: 2\r\n';
    const answer = edge.request(get('/a?b=%20c', fields));
    await over(answer);
    expect(seen).toMatchObject({
      ':method': 'GET',
      ':path': '/a?b=%20c',
      ':authority': 'app.test',
      ':scheme': 'http',
      'x-request-id': 'r1',
      te: 'trailers',
      cookie: 'a=1',
      'x-many': '1, 2',
    });
    expect(seen.host).toBe(undefined);
    expect(last & 1).toBe(1);
    expect(answer).toMatchObject({ status: 200, text: 'hello', ended: true });
    expect(answer.heads[0]).toMatch(
      /^HTTP\/1\.1 200 OK\r\nx-a: b\r\n(?:date: [^\r]+\r\n)?Content-Length: 5\r\n\r\n$/,
    );
  });

  it('shares one connection with others, and does not wait for them', async () => {
    const { edge, service, agent } = await serve((stream, headers) => {
      if (headers[':path'] !== '/slow') stream.end('fast');
    });
    const slow = edge.request(get('/slow'));
    const fast = Array.from({ length: 20 }, (_, at) => edge.request(get(`/${at}`)));
    await eventually(() => fast.every((answer) => answer.text === 'fast' && answer.ended));
    expect(slow.over).toBe(false);
    service.streams.find((stream) => !stream.closed)?.end('slow');
    await over(slow);
    expect(service.sessions).toHaveLength(1);
    expect(agent.counters).toMatchObject({
      requests: 21,
      requestsOpen: 0,
      upstreamConnects: 1,
      upstreamOpen: 1,
    });
  });

  it('gets a connection of its own when the others take no more streams', async () => {
    const { edge, service } = await serve(() => undefined, {
      server: { settings: { maxConcurrentStreams: 2 } },
    });
    Array.from({ length: 5 }, () => edge.request(get()));
    await eventually(() => service.streams.length === 5);
    expect(service.sessions).toHaveLength(3);
  });

  it.each([
    ['a known length', 'Content-Length: 11\r\n'],
    ['an unknown length', 'Transfer-Encoding: chunked\r\n'],
  ])('brings a body of %s whole', async (_name, framing) => {
    const { edge } = await serve((stream) => {
      stream.respond();
      stream.pipe(stream);
    });
    const atOnce = edge.request(post(framing), { body: 'hello world' });
    await over(atOnce);
    expect(atOnce.text).toBe('hello world');
    const inParts = edge.request(post(framing), { open: true });
    inParts.send('hello ');
    await eventually(() => inParts.text === 'hello ');
    inParts.send('world', true);
    await over(inParts);
    expect(inParts).toMatchObject({ text: 'hello world', ended: true });
    expect(inParts.heads[0]).toContain('Transfer-Encoding: chunked\r\n');
  });

  it('carries trailers both ways', async () => {
    let trailers: IncomingHttpHeaders = {};
    const { edge } = await serve((stream) => {
      stream.on('trailers', (fields: IncomingHttpHeaders) => (trailers = fields));
      stream.respond({ ':status': 200, trailer: 'x-sum' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '7', 'x-twice': ['a', 'b'] }));
      stream.resume().on('end', () => stream.end('body'));
    });
    const answer = edge.request(post('Transfer-Encoding: chunked\r\n'), { body: 'x', open: true });
    answer.stream?.sendTrailers('X-Sum: 42\r\nX-Twice: 1\r\nX-Twice: 2\r\n');
    await over(answer);
    expect(trailers).toMatchObject({ 'x-sum': '42', 'x-twice': '1, 2' });
    expect(answer).toMatchObject({ text: 'body', ended: true });
    expect(answer.trailers).toBe('x-sum: 7\r\nx-twice: a\r\nx-twice: b\r\n');
    expect(answer.heads[0]).toContain('trailer: x-sum\r\n');
  });

  it('gets an answer that is all head, as gRPC refuses calls', async () => {
    const { edge } = await serve((stream) => {
      const fields = { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12' };
      stream.respond(fields, { endStream: true });
    });
    const answer = edge.request(post('Content-Type: application/grpc\r\nTransfer-Encoding: chunked\r\n'), {
      open: true,
    });
    await over(answer);
    expect(answer).toMatchObject({ status: 200, bytes: 0, ended: true, frames: 1 });
    expect(answer.heads[0]).toContain('grpc-status: 12\r\n');
  });

  it('gets interim answers before the final one', async () => {
    const { edge } = await serve((stream) => {
      stream.additionalHeaders({ ':status': 100 });
      stream.additionalHeaders({ ':status': 103, link: '</a.css>' });
      stream.respond();
      stream.pipe(stream);
    });
    const answer = edge.request(post('Content-Length: 2\r\nExpect: 100-continue\r\n'), { open: true });
    await eventually(() => answer.heads.length === 3);
    expect(answer.heads.slice(0, 2)).toEqual([
      'HTTP/1.1 100 Continue\r\n\r\n',
      'HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n',
    ]);
    answer.send('ok', true);
    await over(answer);
    expect(answer.text).toBe('ok');
  });

  it('keeps the length that HEAD and 304 tell, and no body', async () => {
    const { edge } = await serve((stream, headers) => {
      const status = headers[':method'] === 'HEAD' ? 200 : 304;
      stream.respond({ ':status': status, 'content-length': 99 }, { endStream: true });
    });
    for (const head of ['HEAD / HTTP/1.1\r\nHost: app.test\r\n\r\n', get()]) {
      const answer = edge.request(head);
      await over(answer);
      expect(answer).toMatchObject({ bytes: 0, ended: true });
      expect(answer.heads[0]).toContain('Content-Length: 99\r\n');
    }
  });

  it('keeps bytes beyond ASCII and fields of one name apart', async () => {
    let seen: IncomingHttpHeaders = {};
    const { edge } = await serve((stream, headers) => {
      seen = headers;
      stream.respond({ ':status': 200, 'set-cookie': ['a=1', 'b=2'], 'x-text': 'gr\xfc\xdfe' });
      stream.end();
    });
    const answer = edge.request(get('/', 'X-Text: gr\xfc\xdfe\r\n'));
    await over(answer);
    expect(seen['x-text']).toBe('gr\xfc\xdfe');
    expect(answer.heads[0]).toContain('x-text: gr\xfc\xdfe\r\n');
    expect(answer.heads[0]?.match(/^set-cookie: .=.\r$/gim)).toHaveLength(2);
  });
});

describe('a stream that ends before its time', () => {
  it('is cancelled at the service at once when its client is gone', async () => {
    const { edge, service, agent } = await serve((stream) => {
      stream.respond();
      stream.write('some');
    });
    const answer = edge.request(get());
    await eventually(() => answer.text === 'some');
    answer.stream?.reset(ResetCode.Cancelled);
    await eventually(() => service.streams[0]?.rstCode === 8);
    expect(agent.counters).toMatchObject({ requestsOpen: 0, upstreamOpen: 1 });
  });

  it('goes out once more when the service has refused it, and is undelivered then', async () => {
    const bodies: string[] = [];
    const { edge, service, agent } = await serve((stream, headers) => {
      if (headers[':path'] === '/never' || service.streams.length === 1) return stream.close(7);
      stream.on('data', (bytes: Buffer) => bodies.push(bytes.toString())).on('end', () => stream.end('ok'));
    });
    const answer = edge.request(post('Content-Length: 4\r\n'), { body: 'once' });
    await over(answer);
    expect(answer).toMatchObject({ text: 'ok', ended: true });
    expect(bodies).toEqual(['once']);
    expect(agent.counters.repeats).toBe(1);
    const never = edge.request(get('/never'));
    await over(never);
    expect(never.reset?.code).toBe(ResetCode.NotDelivered);
    expect(service.streams).toHaveLength(4);
  });

  it('is reset when its connection breaks', async () => {
    const { edge, service } = await serve((stream) => {
      stream.respond();
      stream.write('half');
    });
    const answer = edge.request(get());
    await eventually(() => answer.text === 'half');
    service.sessions[0]?.destroy();
    await over(answer);
    expect(answer).toMatchObject({ ended: false, reset: { code: ResetCode.UpstreamLost } });
  });

  it('is answered with a timeout when the service says nothing, unless it is a call', async () => {
    const { edge, service } = await serve(() => undefined, {
      agent: { upstream: { firstByteTimeout: '300ms' } },
    });
    const call = edge.request(post('Content-Type: application/grpc+proto\r\nContent-Length: 0\r\n'));
    await eventually(() => service.streams.length === 1);
    const answer = edge.request(get());
    await over(answer);
    expect(answer.reset?.code).toBe(ResetCode.UpstreamTimeout);
    expect(call.over).toBe(false);
    await eventually(() => service.streams[1]?.rstCode === 8);
  });

  it('is complete when the service has answered and wants no more of the request', async () => {
    const { edge, service } = await serve((stream) => {
      stream.respond({ ':status': 413, 'content-length': 4 });
      stream.end('full');
    });
    const total = 1 << 20;
    const answer = edge.request(post(`Content-Length: ${total}\r\n`), { open: true });
    await eventually(() => answer.ended);
    expect(answer).toMatchObject({ status: 413, text: 'full', reset: undefined });
    await eventually(() => service.streams[0]?.closed);
    let sent = 0;
    const part = Buffer.alloc(65_536);
    const upload = (): void => {
      while (sent < total) {
        sent += part.length;
        if (!answer.stream!.sendData(part, 0, part.length, sent === total)) return;
      }
    };
    answer.onDrain = upload;
    upload();
    await eventually(() => answer.stream?.closed);
    expect(answer.reset).toBe(undefined);
  });
});

describe('a connection', () => {
  it('that its service gives up takes no new requests, and finishes those it has', async () => {
    const { edge, service } = await serve((stream, headers) => {
      if (headers[':path'] !== '/held') stream.end('new');
    });
    const held = edge.request(get('/held'));
    await eventually(() => service.streams.length === 1);
    service.sessions[0]?.close();
    await eventually(() => service.sessions[0]?.closed);
    const next = edge.request(get());
    await over(next);
    expect(next.text).toBe('new');
    service.streams[0]?.end('old');
    await over(held);
    expect(held).toMatchObject({ text: 'old', ended: true });
    expect(service.sessions).toHaveLength(2);
  });

  it('is closed after it was unused for a while', async () => {
    const { edge, agent, service } = await serve((stream) => stream.end('x'), {
      agent: { upstream: { keepAlive: '200ms' } },
    });
    await over(edge.request(get()));
    await eventually(() => agent.counters.upstreamOpen === 0);
    await eventually(() => service.sessions[0]?.destroyed);
  });

  it('that cannot be made leaves all who wait for it undelivered', async () => {
    const { edge, stop } = await attachAgent(`h2c://127.0.0.1:${await freePort()}`);
    stops.push(stop);
    const answers = [get(), post('Content-Length: 0\r\n')].map((head) => edge.request(head));
    await eventually(() => answers.every((answer) => answer.over));
    for (const { reset } of answers)
      expect(reset).toEqual({ code: ResetCode.NotDelivered, text: 'ECONNREFUSED' });
  });

  it('to a service that speaks HTTP/1.1 leaves them undelivered, and says why', async () => {
    const service = await RawService.start((socket) =>
      socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'),
    );
    stops.push(() => service.stop());
    const { edge, stop } = await attachAgent(`h2c://127.0.0.1:${service.port}`);
    stops.push(stop);
    const answer = edge.request(get());
    await over(answer);
    expect(answer.reset).toEqual({ code: ResetCode.NotDelivered, text: 'not HTTP/2' });
  });

  it('to a service that says nothing leaves them undelivered in time', async () => {
    const service = await RawService.start();
    stops.push(() => service.stop());
    const { edge, stop } = await attachAgent(`h2c://127.0.0.1:${service.port}`, {
      upstream: { connectTimeout: '300ms' },
    });
    stops.push(stop);
    const answer = edge.request(get());
    await over(answer);
    expect(answer.reset?.code).toBe(ResetCode.NotDelivered);
    await eventually(() => service.closed === 1);
  });
});

describe('large bodies over HTTP/2', () => {
  const SIZE = 32 << 20;

  it('come down whole, and no faster than they are taken', async () => {
    let written = 0;
    const part = Buffer.alloc(1 << 16, 'x');
    const { edge } = await serve((stream) => {
      let sent = 0;
      stream.respond({ ':status': 200, 'content-length': SIZE });
      const more = (): void => {
        while (sent < SIZE) {
          sent += part.length;
          written += part.length;
          if (!stream.write(part)) return void stream.once('drain', more);
        }
        stream.end();
      };
      more();
    });
    const answer = edge.request(get());
    answer.takes = false;
    answer.keeps = false;
    await eventually(() => answer.bytes === 65_536);
    let before = -1;
    await eventually(() => {
      const still = before === written;
      before = written;
      return still;
    });
    expect(written).toBeLessThan(SIZE / 8);
    const other = edge.request(get());
    other.keeps = false;
    await eventually(() => other.bytes > 1 << 20, { timeoutMs: 20_000 });
    other.stream?.reset(ResetCode.Cancelled);
    answer.takes = true;
    answer.stream?.taken(65_536);
    await eventually(() => answer.over, { timeoutMs: 20_000 });
    expect(answer).toMatchObject({ bytes: SIZE, ended: true, reset: undefined });
  });

  it('go up whole, and no faster than the service reads', async () => {
    let upstream: ServerHttp2Stream | undefined;
    let received = 0;
    const { edge } = await serve((stream) => {
      upstream = stream;
      stream.on('end', () => stream.end(String(received)));
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
    await eventually(() => upstream);
    let before = -1;
    await eventually(() => {
      const still = before === sent;
      before = sent;
      return still;
    });
    expect(sent).toBeLessThan(SIZE / 8);
    upstream!.on('data', (chunk: Buffer) => (received += chunk.length));
    await eventually(() => answer.over, { timeoutMs: 20_000 });
    expect(answer.text).toBe(String(SIZE));
  });
});

describe('a WebSocket to a service that speaks HTTP/2', () => {
  const fields =
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n';
  const server = { settings: { enableConnectProtocol: true } };

  it('becomes raw bytes both ways, by extended CONNECT', async () => {
    let seen: IncomingHttpHeaders = {};
    const { edge, agent } = await serve(
      (stream, headers) => {
        seen = headers;
        stream.respond({ ':status': 200, 'sec-websocket-protocol': 'chat' });
        stream.write('first ');
        stream.on('data', (bytes: Buffer) => stream.write(bytes.toString().toUpperCase()));
        stream.on('end', () => stream.end(' bye'));
      },
      { server },
    );
    const answer = edge.request(get('/chat', fields), { open: true, body: 'early ' });
    await eventually(() => answer.status === 101);
    expect(seen).toMatchObject({ ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/chat' });
    expect(seen['sec-websocket-key']).toBe(undefined);
    expect(answer.heads[0]).toMatch(
      /^HTTP\/1\.1 101 Switching Protocols\r\nsec-websocket-protocol: chat\r\n/,
    );
    expect(answer.heads[0]).toMatch(
      /\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n$/,
    );
    await eventually(() => answer.text === 'first EARLY ');
    answer.send('ping');
    await eventually(() => answer.text === 'first EARLY PING');
    answer.stream?.sendEnd();
    await over(answer);
    expect(answer).toMatchObject({ text: 'first EARLY PING bye', ended: true, reset: undefined });
    await eventually(() => agent.counters.rawStreamsOpen === 0);
    expect(agent.counters).toMatchObject({ upgrades: 1, requestsOpen: 0 });
  });

  it('is cancelled at the service when its client is gone', async () => {
    const { edge, service } = await serve((stream) => stream.respond(), { server });
    const answer = edge.request(get('/', fields), { open: true });
    await eventually(() => answer.status === 101);
    answer.stream?.reset(ResetCode.Cancelled);
    await eventually(() => service.streams[0]?.rstCode === 8);
  });

  it('that the service declines is an ordinary answer', async () => {
    const { edge } = await serve(
      (stream) => {
        stream.respond({ ':status': 403 });
        stream.end('no');
      },
      { server },
    );
    const answer = edge.request(get('/', fields), { open: true });
    await over(answer);
    expect(answer).toMatchObject({ status: 403, text: 'no', ended: true });
  });

  it('is answered with 501 where the service does not know extended CONNECT, as are other upgrades', async () => {
    const { edge, service } = await serve(() => undefined);
    for (const upgrade of [fields, 'Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n']) {
      const answer = edge.request(get('/', upgrade), { open: true });
      await over(answer);
      expect(answer).toMatchObject({ status: 501, ended: true });
    }
    expect(service.streams).toHaveLength(0);
  });
});
