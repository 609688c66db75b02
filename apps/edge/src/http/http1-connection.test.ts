import { eventually } from '@culvert/testkit';
import { describe, expect, it } from 'vitest';
import { startInstallation, startWithAgent } from '../testing/edge-kit.ts';

describe('a kept connection', () => {
  it('carries one request after the other, to several hostnames', async () => {
    const { client, agent, router } = await startWithAgent();
    router.change([...router.routes, { id: 'r2', tunnel: router.routes[0]!.tunnel, hostname: 'b.test' }]);
    agent.serve = (stream) => void stream.ok(stream.open.hostname);
    expect((await client.request().response()).body).toBe('app.test');
    expect((await client.request('GET /', ['Host: B.test:8080']).response()).body).toBe('b.test');
    expect((await client.request('GET /', ['Host: c.test']).response()).status).toBe(404);
    expect((await client.request().response()).body).toBe('app.test');
  });

  it('gets pipelined requests answered in order, whoever is ready first', async () => {
    const { client, agent } = await startWithAgent();
    agent.serve = (stream) => void stream.ok(stream.head.split(' ')[1]);
    client
      .request('GET /1')
      .request('GET /2')
      .request('POST /3', ['Content-Length: 3'], 'abc')
      .request('GET /4');
    const targets = [];
    for (let at = 0; at < 4; at++) targets.push((await client.response()).body);
    expect(targets).toEqual(['/1', '/2', '/3', '/4']);
    expect(client.rest).toBe('');
  });

  it('keeps the order of requests when one arrives in the same turn as an answer', async () => {
    const { client, agent } = await startWithAgent();
    client.request('GET /a').request('GET /b');
    const first = await agent.next();
    agent.serve = (stream) => void stream.ok(stream.head.split(' ')[1]);
    first.ok('/a');
    // Behind the immediate that writes the answer: the edge finds both at its next look at its sockets.
    await new Promise((resolve) => setImmediate(resolve));
    client.request('GET /c');
    const bodies = [await client.response(), await client.response(), await client.response()].map(
      ({ body }) => body,
    );
    expect(bodies).toEqual(['/a', '/b', '/c']);
  });

  it('reads on when more than a buffer of requests has been waiting', async () => {
    const { client, agent } = await startWithAgent();
    const filler = `X-Filler: ${'x'.repeat(4_000)}`;
    for (let at = 0; at < 60; at++) client.request(`GET /${at}`, [filler]);
    const first = await agent.next();
    agent.serve = (stream) => void stream.ok(stream.head.split(' ')[1]);
    first.ok('/0');
    for (let at = 0; at < 60; at++) expect((await client.response()).body).toBe(`/${at}`);
  });

  it('takes a head in single bytes, and empty lines before it', async () => {
    const { client, agent } = await startWithAgent();
    agent.serve = (stream) => void stream.ok();
    for (const byte of '\r\n\r\nGET /slow HTTP/1.1\r\nHost: app.test\r\n\r\n') client.send(byte);
    expect((await client.response()).body).toBe('ok');
    expect(agent.streams[0]!.head).toMatch(/^GET \/slow HTTP\/1\.1\r\nHost: app\.test\r\n/);
  });

  it('is closed when the client asks for it, after the answer', async () => {
    const { client, agent } = await startWithAgent();
    agent.serve = (stream) => void stream.ok();
    client.request('GET /', ['Connection: close']).request('GET /never');
    const response = await client.response();
    expect(response.fields['connection']).toBe('close');
    expect(await client.over()).toBe('cleanly');
    expect(client.rest).toBe('');
    expect(agent.streams).toHaveLength(1);
  });

  it('of HTTP/1.0 persists only where the client asks for it', async () => {
    const { edge, client, agent } = await startWithAgent();
    agent.serve = (stream) => void stream.ok();
    client.send('GET / HTTP/1.0\r\nHost: app.test\r\nConnection: keep-alive\r\n\r\n');
    expect((await client.response()).fields['connection']).toBe('keep-alive');
    client.send('GET / HTTP/1.0\r\nHost: app.test\r\n\r\n');
    expect((await client.response()).fields['connection']).toBe('close');
    expect(await client.over()).toBe('cleanly');
    const nameless = (await edge.connect()).send('GET / HTTP/1.0\r\n\r\n');
    expect((await nameless.response()).status).toBe(404);
  });

  it('is closed after its idle time', async () => {
    const { client, agent } = await startWithAgent({ timeouts: { idle: '100ms' } });
    agent.serve = (stream) => void stream.ok();
    await client.request().response();
    expect(await client.over()).toBe('cleanly');
  });

  it('answered before it had sent all may go on sending, and finds the answer when it looks', async () => {
    const { client, agent } = await startWithAgent();
    client.request('POST /', ['Content-Length: 1000000'], 'begin');
    client.socket.pause();
    (await agent.next()).answer('HTTP/1.1 413 Too Large\r\nContent-Length: 2', 'no');
    // Slower than any linger that does not look at what still comes.
    const paced = performance.now() + 3_000;
    while (performance.now() < paced) {
      client.send('more');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    client.socket.resume();
    expect((await client.response()).status).toBe(413);
    expect(await client.over()).toBe('cleanly');
  });

  it('that says nothing is closed without a word', async () => {
    const { edge } = await startInstallation({ timeouts: { sniff: '100ms' } });
    const client = await edge.connect();
    expect(await client.over()).toBe('cleanly');
    expect(client.text).toBe('');
    expect(await edge.metric('culvert_edge_garbage_total')).toBe(0);
  });
});

describe('a request that is refused at once', () => {
  it.each([
    ['a bare LF', 'GET / HTTP/1.1\nHost: app.test\n\n', 400, 'bad_request'],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 400, 'bad_request'],
    ['two hosts', 'GET / HTTP/1.1\r\nHost: app.test\r\nHost: b.test\r\n\r\n', 400, 'bad_request'],
    [
      'two framings',
      'POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
      'bad_request',
    ],
    [
      'an unknown coding',
      'POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: gzip, chunked\r\n\r\n',
      501,
      'not_implemented',
    ],
    ['CONNECT', 'CONNECT app.test:443 HTTP/1.1\r\nHost: app.test:443\r\n\r\n', 501, 'not_implemented'],
    ['another version', 'GET / HTTP/1.2\r\nHost: app.test\r\n\r\n', 505, 'version_not_supported'],
    [
      'an unknown expectation',
      'POST / HTTP/1.1\r\nHost: app.test\r\nExpect: wonders\r\nContent-Length: 1\r\n\r\n',
      417,
      'expectation_failed',
    ],
    [
      'a long field',
      `GET / HTTP/1.1\r\nHost: app.test\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`,
      431,
      'head_too_large',
    ],
    [
      'many fields',
      `GET / HTTP/1.1\r\nHost: app.test\r\n${'X: 1\r\n'.repeat(200)}\r\n`,
      431,
      'head_too_large',
    ],
    [
      'an unending head',
      `GET / HTTP/1.1\r\nHost: app.test\r\n${`X: ${'x'.repeat(1_000)}\r\n`.repeat(40)}`,
      431,
      'head_too_large',
    ],
    ['a long target', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: app.test\r\n\r\n`, 414, 'uri_too_long'],
    [
      'a target beyond the whole head',
      `GET /${'x'.repeat(40_000)} HTTP/1.1\r\nHost: app.test\r\n\r\n`,
      414,
      'uri_too_long',
    ],
  ])('for %s is answered and its connection closed', async (_, request, status, code) => {
    const { edge, agent } = await startWithAgent();
    const client = (await edge.connect()).send(request);
    const response = await client.response();
    expect([response.status, response.fields['x-culvert-error']]).toEqual([status, code]);
    expect(response.fields['x-request-id']).toMatch(/./);
    expect(response.fields['connection']).toBe('close');
    expect(await client.over()).toBe('cleanly');
    expect(agent.streams).toHaveLength(0);
    expect(await edge.metric('culvert_edge_refusals_total', `code="${code}"`)).toBe(1);
  });

  it.each([undefined, '96KiB'])('may have one field that fills it: %s', async (headerSize) => {
    const { client, agent } = await startWithAgent(
      headerSize === undefined ? {} : { limits: { headerSize } },
    );
    const cookie = 'c'.repeat(headerSize === undefined ? 30_000 : 90_000);
    client.send(`GET / HTTP/1.1\r\nHost: app.test\r\nCookie: ${cookie}\r\n\r\n`);
    const stream = await agent.next();
    expect(stream.head).toContain(`Cookie: ${cookie}\r\n`);
  });

  it('for a head that does not arrive in time, however slowly it drips, is answered 408', async () => {
    const { client } = await startWithAgent({ timeouts: { head: '300ms' } });
    client.send('GET / HTTP/1.1\r\n');
    const dripping = setInterval(() => client.send('X-More: 1\r\n'), 20);
    try {
      expect((await client.response()).fields['x-culvert-error']).toBe('request_timeout');
    } finally {
      clearInterval(dripping);
    }
    expect(await client.over()).toBe('cleanly');
  });

  it('for an invalid chunk resets the stream it had opened', async () => {
    const { client, agent } = await startWithAgent();
    client.request('POST /', ['Transfer-Encoding: chunked'], '3\r\nabc\r\n');
    const stream = await agent.next();
    await eventually(() => stream.text === 'abc');
    client.send('zz\r\n');
    expect((await client.response()).status).toBe(400);
    await eventually(() => stream.reset);
  });

  it('keeps its connection when nothing of the message is in doubt', async () => {
    const { client, agent } = await startWithAgent();
    agent.serve = (stream) => void stream.ok();
    client.request('GET /', ['Host: nowhere.test']);
    const refused = await client.response();
    expect(refused.status).toBe(404);
    expect(refused.fields['connection']).toBeUndefined();
    expect((await client.request().response()).status).toBe(200);
  });

  it('before its body has come does not take the body for a request', async () => {
    const { client, agent } = await startWithAgent();
    client.request('POST /', ['Host: nowhere.test', 'Content-Length: 100']);
    expect((await client.response()).fields['connection']).toBe('close');
    client.request('GET /smuggled');
    expect(await client.over()).toBe('cleanly');
    expect(agent.streams).toHaveLength(0);
  });
});

describe('limits on connections', () => {
  it('hold for one address; what is over them is reset, and a place that is free again is taken', async () => {
    const { edge } = await startInstallation({ limits: { connectionsPerAddress: 2 } });
    const [first] = [await edge.connect(), await edge.connect()];
    const third = await edge.connect();
    expect(await third.over()).toBe('by reset');
    expect(await edge.metric('culvert_edge_connections_refused_total')).toBe(1);
    first.socket.destroy();
    await eventually(async () => (await edge.metric('culvert_edge_connections')) === 1);
    const fourth = (await edge.connect()).request('GET /', ['Host: nowhere.test']);
    expect((await fourth.response()).status).toBe(404);
  });

  it('hold over all addresses', async () => {
    const { edge } = await startInstallation({ limits: { connections: 1 } });
    await edge.connect();
    expect(await (await edge.connect()).over()).toBe('by reset');
  });
});
