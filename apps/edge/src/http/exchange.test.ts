import { eventually } from '@culvert/testkit';
import { ResetCode } from '@culvert/wire';
import { describe, expect, it } from 'vitest';
import { startInstallation, startWithAgent } from '../testing/edge-kit.ts';
import { patternedBytes } from '../testing/patterned-bytes.ts';

describe('a request', () => {
  it('reaches the agent with what the edge understood of it, byte for byte where it was not its business', async () => {
    const { client, agent, edge } = await startWithAgent();
    client.request('GET /a%20b/../c?q=%zz|{}', [
      'HOST: App.Test:8080',
      'X-Odd:  two  spaces ',
      'x-odd: twice',
      'Cookie: a=1',
    ]);
    const { open, head } = await agent.next();
    expect(open.hostname).toBe('app.test');
    expect(open.hops).toBe(0);
    expect(open.client).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(head.split('\r\n')).toEqual([
      'GET /a%20b/../c?q=%zz|{} HTTP/1.1',
      'Host: App.Test:8080',
      'X-Odd:  two  spaces ',
      'x-odd: twice',
      'Cookie: a=1',
      'X-Forwarded-For: 127.0.0.1',
      'X-Forwarded-Proto: http',
      `X-Forwarded-Port: ${edge.httpPort}`,
      'X-Real-IP: 127.0.0.1',
      'X-Forwarded-Host: App.Test:8080',
      expect.stringMatching(/^X-Request-Id: \S+$/),
      expect.stringMatching(/^Via: 1\.1 culvert-\w+$/),
      '',
      '',
    ]);
  });

  it('loses what belongs to one hop, and what strangers say of earlier ones', async () => {
    const { client, agent } = await startWithAgent();
    client.request('GET /', [
      'Connection: keep-alive, X-Mine',
      'X-Mine: 1',
      'Keep-Alive: timeout=5',
      'Proxy-Authorization: Basic eDp5',
      'Proxy-Connection: keep-alive',
      'TE: trailers',
      'Upgrade: websocket',
      'X-Forwarded-For: 10.0.0.1',
      'X-Forwarded-Proto: https',
      'X_Forwarded_For: 10.0.0.1',
      'X-Forwarded-Port: 1',
      'X-Forwarded-Prefix: /admin',
      'X-Real-IP: 10.0.0.1',
      'Forwarded: for=10.0.0.1',
      'X-Request-Id: chosen',
      'X-Kept: 1',
    ]);
    const { head } = await agent.next();
    expect(head.toLowerCase()).not.toMatch(
      /10\.0\.0\.1|x-mine|keep-alive|proxy-|upgrade|^forwarded|prefix|-port: 1\r|chosen/m,
    );
    expect(head).toContain('X-Forwarded-For: 127.0.0.1\r\n');
    expect(head).toContain('X-Forwarded-Proto: http\r\n');
    expect(head).toContain('Connection: TE\r\nTE: trailers\r\n');
    expect(head).toContain('X-Kept: 1\r\n');
  });

  it.each([
    ['Content-Length', 'Content-Length: 11', 'hello world', 'Content-Length: 11\r\n'],
    [
      'chunks',
      'Transfer-Encoding: chunked',
      '5;x=y\r\nhello\r\n6\r\n world\r\n0\r\n\r\n',
      'Transfer-Encoding: chunked\r\n',
    ],
  ])('with a body framed by %s arrives without its coding', async (_, field, body, framing) => {
    const { client, agent } = await startWithAgent();
    client.request('POST /', [field], body);
    const stream = await (await agent.next()).whole();
    expect(stream.text).toBe('hello world');
    expect(stream.head).toContain(framing);
    stream.ok();
    expect((await client.response()).body).toBe('ok');
    client.request('GET /next');
    expect((await agent.next()).head).toMatch(/^GET \/next /);
  });

  it('with a body that comes in single bytes arrives whole', async () => {
    const { client, agent } = await startWithAgent();
    for (const byte of 'POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n') {
      client.send(byte);
    }
    expect((await (await agent.next()).whole()).text).toBe('0123456789');
  });

  it('with an empty body of known length says so', async () => {
    const { client, agent } = await startWithAgent();
    client.request('POST /', ['Content-Length: 0']);
    const stream = await (await agent.next()).whole();
    expect(stream.head).toContain('Content-Length: 0\r\n');
  });

  it('brings its trailers, but none that would change the message', async () => {
    const { client, agent } = await startWithAgent();
    client.request(
      'POST /',
      ['Transfer-Encoding: chunked'],
      '1\r\na\r\n0\r\nX-Sum: 1\r\nSet-Cookie: a=b\r\n\r\n',
    );
    const stream = await (await agent.next()).whole();
    expect(stream.text).toBe('a');
    expect(stream.trailers).toBe('X-Sum: 1\r\n');
  });

  it('that expects 100 gets the service’s, then sends its body', async () => {
    const { client, agent } = await startWithAgent();
    client.request('PUT /', ['Expect: 100-continue', 'Content-Length: 4']);
    const stream = await agent.next();
    expect(stream.head).toContain('Expect: 100-continue\r\n');
    stream.answer('HTTP/1.1 100 Continue', '', 'more');
    expect((await client.response()).status).toBe(100);
    client.send('body');
    expect((await stream.whole()).text).toBe('body');
    stream.ok('done');
    expect((await client.response()).body).toBe('done');
  });

  it('answered before it was whole ends its connection after the answer', async () => {
    const { client, agent } = await startWithAgent();
    client.request('POST /', ['Content-Length: 100'], 'begin');
    const stream = await agent.next();
    stream.answer('HTTP/1.1 413 Too Large\r\nContent-Length: 2', 'no');
    const response = await client.response();
    expect([response.status, response.body, response.fields['connection']]).toEqual([413, 'no', 'close']);
    await eventually(() => stream.reset);
    expect(await client.over()).toBe('cleanly');
  });
});

describe('a response', () => {
  const respond = async (head: string, body: string, last: 'last' | 'more' = 'last', method = 'GET') => {
    const parts = await startWithAgent();
    parts.client.request(`${method} /`);
    const stream = await parts.agent.next();
    stream.answer(head, body, last);
    return { ...parts, stream };
  };

  it('of known length keeps it', async () => {
    const { client } = await respond('HTTP/1.1 201 Made\r\nContent-Length: 5\r\nX-A: 1\r\nX-A: 2', 'hello');
    const response = await client.response();
    expect(response.head).toBe('HTTP/1.1 201 Made\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 5');
    expect(response.body).toBe('hello');
  });

  it('whose whole body came with its head gets its length even if nobody announced it', async () => {
    const { client } = await respond('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked', 'hello');
    const response = await client.response();
    expect(response.fields).toEqual({ 'content-length': '5' });
    expect(response.body).toBe('hello');
  });

  it('without body and length gets the length 0', async () => {
    const { client } = await respond('HTTP/1.1 200 OK', '');
    expect((await client.response()).fields).toEqual({ 'content-length': '0' });
  });

  it('of unknown length is chunked', async () => {
    const { client, stream } = await respond('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked', 'hel', 'more');
    await client.hear('3\r\nhel\r\n');
    stream.send('lo');
    await client.hear('2\r\nlo\r\n');
    stream.send('', 'last');
    const response = await client.response();
    expect(response.fields).toEqual({ 'transfer-encoding': 'chunked' });
    expect(response.body).toBe('hello');
    expect(client.rest).toBe('');
  });

  it('of unknown length ends with the connection for HTTP/1.0', async () => {
    const { client, agent } = await startWithAgent();
    client.send('GET / HTTP/1.0\r\nHost: app.test\r\nConnection: keep-alive\r\n\r\n');
    const stream = await agent.next();
    stream
      .answer('HTTP/1.1 103 Early Hints', '', 'more')
      .answer('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked', 'hel', 'more');
    stream.send('lo', 'last');
    const response = await client.response();
    expect(response.body).toBe('hello');
    expect(response.fields).toEqual({ connection: 'close' });
    expect(await client.over()).toBe('cleanly');
  });

  it.each([
    ['to HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 1234', '1234'],
    ['with 304', 'GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 77', '77'],
    ['with 204', 'DELETE', 'HTTP/1.1 204 No Content', undefined],
  ])('%s has no body and tells what the service told', async (_, method, head, length) => {
    const { client, agent } = await respond(head, '', 'last', method);
    const response = await client.response('without body');
    expect(response.fields['content-length']).toBe(length);
    expect(response.fields['transfer-encoding']).toBeUndefined();
    agent.serve = (stream) => void stream.ok('next');
    expect((await client.request().response()).body).toBe('next');
  });

  it('loses what belongs to one hop', async () => {
    const { client } = await respond(
      'HTTP/1.1 200 OK\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: x\r\nProxy-Connection: close\r\nUpgrade: h2c\r\nServer: s\r\nContent-Length: 0',
      '',
    );
    expect((await client.response()).fields).toEqual({ server: 's', 'content-length': '0' });
  });

  it('may follow several interim ones', async () => {
    const { client, agent } = await startWithAgent();
    client.request();
    const stream = await agent.next();
    stream.answer('HTTP/1.1 103 Early Hints\r\nLink: </a.css>', '', 'more');
    expect((await client.response()).head).toBe('HTTP/1.1 103 Early Hints\r\nLink: </a.css>');
    stream.answer('HTTP/1.1 102 Processing', '', 'more').ok('final');
    expect((await client.response()).status).toBe(102);
    expect((await client.response()).body).toBe('final');
  });

  it('brings its trailers to a client that gets chunks', async () => {
    const { client, stream } = await respond(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum',
      'a',
      'more',
    );
    stream.stream.sendTrailers('X-Sum: 1\r\nx-more: 2\r\n');
    const response = await client.response();
    expect([response.body, response.trailers]).toEqual(['a', 'X-Sum: 1\r\nx-more: 2\r\n']);
    expect(client.rest).toBe('');
  });

  it('of many megabytes arrives byte for byte', async () => {
    const { client, agent } = await startWithAgent();
    const body = patternedBytes(6_000_000);
    client.request();
    const stream = await agent.next();
    stream.answer(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}`, '', 'more');
    let at = 0;
    stream.onRoom = () => {
      let room = true;
      while (room && at < body.length) {
        room = stream.send(body.subarray(at, at + 100_000), at + 100_000 >= body.length ? 'last' : 'more');
        at += 100_000;
      }
    };
    stream.onRoom();
    await eventually(() => client.received.length > body.length, { timeoutMs: 20_000 });
    const headEnd = client.received.indexOf('\r\n\r\n') + 4;
    expect(client.received.subarray(headEnd).equals(body)).toBe(true);
  });
});

describe('an agent that breaks HTTP', () => {
  it.each([
    ['garbage for a head', 'hello\r\n\r\n', ''],
    ['a head that ends inside a line', 'HTTP/1.1 200 OK\r\nX: 1\r\n', ''],
    ['a head with a second one behind it', 'HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n', ''],
    ['a bare LF in a field', 'HTTP/1.1 200 OK\r\nX: 1\nY: 2\r\n\r\n', ''],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 'a'],
    [
      'a length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      'a',
    ],
    ['more than it announces, at once', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n', 'hello'],
    ['less than it announces, at once', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n', 'hello'],
    ['a body with 204', 'HTTP/1.1 204 No Content\r\n\r\n', 'hello'],
    ['only an interim response', 'HTTP/1.1 103 Early Hints\r\n\r\n', ''],
    [
      'a switch that nobody asked for',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
      '',
    ],
  ])('by %s is answered for with 502', async (_, head, body) => {
    const { client, agent, edge } = await startWithAgent();
    client.request();
    (await agent.next()).rawHead(head, body);
    await client.hear('X-Culvert-Error: upstream_protocol');
    expect(client.text.match(/HTTP\/1\.1 (?!103)/g)).toHaveLength(1);
    expect(client.text).not.toContain('hello');
    agent.serve = (stream) => void stream.ok('next');
    expect((await (await edge.connect()).request().response()).body).toBe('next');
  });

  it('by a body before a head is answered for with 502, and its stream is reset', async () => {
    const { client, agent } = await startWithAgent();
    client.request();
    const stream = await agent.next();
    stream.send('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    expect((await client.response()).fields['x-culvert-error']).toBe('upstream_protocol');
    expect((await eventually(() => stream.reset)).code).toBe(ResetCode.Protocol);
  });

  it('by an end without a word is answered for with 502', async () => {
    const { client, agent } = await startWithAgent();
    client.request();
    (await agent.next()).stream.sendEnd();
    expect((await client.response()).status).toBe(502);
  });

  it('by endless interim responses is answered for with 502', async () => {
    const { client, agent } = await startWithAgent();
    client.request();
    const stream = await agent.next();
    for (let at = 0; at < 40; at++) stream.answer('HTTP/1.1 103 Early Hints', '', 'more');
    await client.hear('X-Culvert-Error: upstream_protocol');
    await eventually(() => stream.reset);
  });

  it.each([
    ['a second head', (send: Send) => send.head('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')],
    ['more than it announced', (send: Send) => send.data('more than that')],
    ['an end that is too early', (send: Send) => send.end()],
    ['a reset', (send: Send) => send.reset()],
  ])('by %s after its head has gone out makes the client see a reset', async (_, misbehave) => {
    const { client, agent } = await startWithAgent();
    client.request();
    const stream = await agent.next();
    stream.answer('HTTP/1.1 200 OK\r\nContent-Length: 10', 'hello', 'more');
    await client.hear('hello');
    misbehave({
      head: (head) => stream.rawHead(head),
      data: (text) => void stream.send(text),
      end: () => stream.stream.sendEnd(),
      reset: () => stream.stream.reset(ResetCode.UpstreamLost, 'lost'),
    });
    expect(await client.over()).toBe('by reset');
    expect(client.text).toMatch(/\r\n\r\nhello$/);
  });

  it.each([
    ['an empty line', 'X: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['a line without end', 'X: 1'],
    ['a bare LF', 'X: 1\nY: 2\r\n'],
    ['a line that is none', 'HTTP/1.1 200 OK\r\n'],
    ['framing', 'Content-Length: 3\r\n'],
    ['more than fits', `X: ${'x'.repeat(40_000)}\r\n`],
  ])('by trailers with %s makes the client see a reset', async (_, trailers) => {
    const { client, agent } = await startWithAgent();
    client.request();
    const stream = await agent.next();
    stream.answer('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked', 'hello', 'more');
    await client.hear('hello');
    stream.stream.sendTrailers(trailers);
    expect(await client.over()).toBe('by reset');
    expect(client.text).toMatch(/\r\n\r\n5\r\nhello\r\n$/);
  });

  it('by trailers before a head is answered for with 502', async () => {
    const { client, agent } = await startWithAgent();
    client.request();
    (await agent.next()).stream.sendTrailers('X: 1\r\n');
    expect((await client.response()).status).toBe(502);
  });
});

interface Send {
  head(head: string): void;
  data(text: string): void;
  end(): void;
  reset(): void;
}

describe('what the edge answers itself', () => {
  it('names a hostname that is unknown', async () => {
    const { edge } = await startInstallation();
    const client = (await edge.connect()).request('GET /', ['Host: nowhere.test']);
    const response = await client.response();
    expect(response.status).toBe(404);
    expect(response.fields['x-culvert-error']).toBe('unknown_hostname');
    expect(response.body).toContain('nowhere.test');
  });

  it('says when to come back where no agent is attached', async () => {
    const { edge } = await startInstallation();
    const response = await (await edge.connect()).request().response();
    expect(response.status).toBe(503);
    expect(response.fields['x-culvert-error']).toBe('no_agent');
    expect(Number(response.fields['retry-after'])).toBeGreaterThan(0);
  });

  it('says when to come back where no router can be asked', async () => {
    const { edge, router } = await startInstallation();
    router.goAway();
    const response = await (await edge.connect()).request().response();
    expect([response.status, response.fields['x-culvert-error']]).toEqual([503, 'registry_unavailable']);
    expect(Number(response.fields['retry-after'])).toBeGreaterThan(0);
  });

  it.each([
    ['NotDelivered', ResetCode.NotDelivered, 502, 'upstream_unreachable'],
    ['UpstreamLost', ResetCode.UpstreamLost, 502, 'upstream_unreachable'],
    ['UpstreamProtocol', ResetCode.UpstreamProtocol, 502, 'upstream_protocol'],
    ['UpstreamTimeout', ResetCode.UpstreamTimeout, 504, 'upstream_timeout'],
    ['NoRoute', ResetCode.NoRoute, 404, 'unknown_hostname'],
    ['Refused', ResetCode.Refused, 503, 'no_agent'],
    ['Busy', ResetCode.Busy, 503, 'overloaded'],
    ['Internal', ResetCode.Internal, 502, 'agent_lost'],
  ])('tells what an agent’s reset with %s means', async (_, code, status, error) => {
    const { client, agent } = await startWithAgent();
    agent.serve = () => code;
    const response = await client.request().response();
    expect([response.status, response.fields['x-culvert-error']]).toEqual([status, error]);
    expect(response.fields['x-request-id']).toMatch(/./);
  });

  it('is 504 when the service says nothing in time', async () => {
    const { client, agent } = await startWithAgent({ timeouts: { firstByte: '300ms' } });
    client.request();
    const stream = await agent.next();
    expect((await client.response()).fields['x-culvert-error']).toBe('upstream_timeout');
    await eventually(() => stream.reset);
  });

  it('is 408 when the body does not come in time', async () => {
    const { client, agent } = await startWithAgent({ timeouts: { bodyIdle: '300ms', firstByte: '300ms' } });
    client.request('POST /', ['Content-Length: 10'], 'abc');
    const stream = await agent.next();
    expect((await client.response()).fields['x-culvert-error']).toBe('request_timeout');
    await eventually(() => stream.reset);
    expect(await client.over()).toBe('cleanly');
  });

  it('is 504 when the service takes none of the body any more', async () => {
    const { client, agent } = await startWithAgent({ timeouts: { bodyIdle: '1s', firstByte: '1s' } });
    agent.serve = (stream) => void (stream.takes = false);
    client.request('POST /', ['Content-Length: 1000000'], 'x'.repeat(1_000_000));
    expect((await client.response()).fields['x-culvert-error']).toBe('upstream_timeout');
    await eventually(() => agent.streams[0]!.reset);
  });

  it('has the same request id as the request that the agent got', async () => {
    const { client, agent } = await startWithAgent();
    agent.serve = () => ResetCode.UpstreamLost;
    const response = await client.request('POST /').response();
    expect(agent.streams[0]!.head).toContain(`X-Request-Id: ${response.fields['x-request-id']}\r\n`);
  });
});

describe('a client that goes', () => {
  it.each([
    ['closes', (socket: { destroy(): void }) => socket.destroy()],
    ['resets', (socket: { resetAndDestroy(): void }) => socket.resetAndDestroy()],
  ])('and %s its connection before the answer resets the stream', async (_, leave) => {
    const { client, agent, edge } = await startWithAgent();
    client.request();
    const stream = await agent.next();
    leave(client.socket);
    expect((await eventually(() => stream.reset)).code).toBe(ResetCode.Cancelled);
    expect(await edge.metric('culvert_edge_requests')).toBe(0);
    expect(await edge.metric('culvert_edge_client_aborts_total')).toBe(1);
  });

  it('in the middle of the answer resets the stream', async () => {
    const { client, agent } = await startWithAgent();
    client.request();
    const stream = await agent.next();
    stream.answer('HTTP/1.1 200 OK\r\nContent-Length: 10', 'hello', 'more');
    await client.hear('hello');
    client.socket.destroy();
    await eventually(() => stream.reset);
  });

  it('while its hostname is looked up reaches no agent', async () => {
    const { router, client, agent, edge } = await startWithAgent();
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    router.onResolve = () => {
      asked.resolve();
      return answer.promise;
    };
    client.request();
    await asked.promise;
    client.socket.destroy();
    await eventually(async () => (await edge.metric('culvert_edge_client_aborts_total')) === 1);
    answer.resolve();
    agent.serve = (stream) => void stream.ok();
    expect((await (await edge.connect()).request().response()).status).toBe(200);
    expect(agent.streams).toHaveLength(1);
  });
});
