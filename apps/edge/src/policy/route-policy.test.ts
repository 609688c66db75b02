import type { RoutePolicy } from '@culvert/signals';
import { eventually } from '@culvert/testkit';
import { describe, expect, it } from 'vitest';
import { startInstallation } from '../testing/edge-kit.ts';
import { HOSTNAME, TUNNEL } from '../testing/router-double.ts';

/** An edge whose only route has this policy, an agent and a client. */
async function startWith(policy: RoutePolicy, more: object = {}) {
  const installation = await startInstallation(more);
  installation.router.routes = [{ id: 'r1', tunnel: TUNNEL, hostname: HOSTNAME, ...policy }];
  const agent = await installation.edge.attach();
  const client = await installation.edge.connect();
  return { ...installation, agent, client };
}

describe('a route that rewrites', () => {
  it('sends the service another path, and the query as it came', async () => {
    const { agent, client } = await startWith({ rewrite: { from: '^/v1/(.*)$', to: '/$1' } });
    client.request('GET /v1/users?a=%zz;b&c');
    const stream = await agent.next();
    expect(stream.head).toMatch(/^GET \/users\?a=%zz;b&c HTTP\/1\.1\r\nHost: app\.test\r\n/);
    stream.ok();
    expect((await client.response()).status).toBe(200);
    client.request('GET /v2/users');
    expect((await agent.next()).head).toMatch(/^GET \/v2\/users HTTP/);
  });

  it('replaces the query where the rule has one', async () => {
    const { agent, client } = await startWith({ rewrite: { from: '^/s/(.*)$', to: '/search?q=$1' } });
    client.request('GET /s/a&b=1?x=2');
    expect((await agent.next()).head).toMatch(/^GET \/search\?q=a%26b%3D1 HTTP/);
  });

  it('refuses a path that is too long to be rewritten', async () => {
    const { client } = await startWith({ rewrite: { from: '^/(.*)$', to: '/$1' } });
    client.request(`GET /${'a'.repeat(5_000)}`);
    expect((await client.response()).fields).toMatchObject({ 'x-culvert-error': 'uri_too_long' });
  });

  it('takes a prefix away, and leaves "*" alone', async () => {
    const { agent, client } = await startWith({ stripPrefix: '/v1' });
    client.request('GET /v1?a');
    (await agent.next()).ok();
    client.request('OPTIONS *');
    const heads = [agent.streams[0]!.head, (await agent.next()).head];
    expect(heads.map((head) => head.split('\r\n')[0])).toEqual(['GET /?a HTTP/1.1', 'OPTIONS * HTTP/1.1']);
  });

  it('makes the query one that all read alike, where it says so', async () => {
    const { agent, client } = await startWith({ query: 'clean', stripPrefix: '/v1' });
    client.request('GET /v1/a?b=1;c=2&d=%zz&e=3');
    expect((await agent.next()).head).toMatch(/^GET \/a\?e=3 HTTP/);
  });
});

describe('header rules of a route', () => {
  it('change what the service gets, also what the edge itself says, and never the framing', async () => {
    const { agent, client } = await startWith({
      requestHeaders: {
        set: {
          'X-Client': '{client_ip} {method} {host}{uri} {edge}',
          Host: 'shop.internal:81',
          'X-Forwarded-For': 'me',
        },
        add: { Cookie: 'b=2' },
        remove: ['X-Debug-*', 'X-Forwarded-Proto', 'T*'],
      },
    });
    client.request(
      'POST /a?b',
      [
        'X-Debug-A: 1',
        'X_Debug_B: 2',
        'X-Client: forged',
        'Cookie: a=1',
        'TE: trailers',
        'Transfer-Encoding: chunked',
      ],
      '2\r\nhi\r\n0\r\n\r\n',
    );
    const stream = await (await agent.next()).whole();
    expect(stream.open.hostname).toBe(HOSTNAME);
    expect(stream.head.split('\r\n')).toEqual([
      'POST /a?b HTTP/1.1',
      'Host: shop.internal:81',
      'Cookie: a=1',
      expect.stringMatching(/^X-Forwarded-Port: /),
      'X-Real-IP: 127.0.0.1',
      'X-Forwarded-Host: app.test',
      expect.stringMatching(/^X-Request-Id: /),
      expect.stringMatching(/^Via: /),
      'Connection: TE',
      'TE: trailers',
      'Transfer-Encoding: chunked',
      'X-Client: 127.0.0.1 POST app.test/a?b eu-1',
      'X-Forwarded-For: me',
      'Cookie: b=2',
      '',
      '',
    ]);
  });

  it('change what the client gets: interim responses and trailers lose what heads lose', async () => {
    const { agent, client } = await startWith({
      responseHeaders: {
        set: { 'X-Id': '{request_id}' },
        add: { Vary: 'Origin' },
        remove: ['Server', 'X-Secret'],
      },
    });
    client.request('GET /', ['TE: trailers']);
    const stream = await agent.next();
    stream.answer('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nX-Secret: 1', '', 'more');
    stream.answer(
      'HTTP/1.1 200 OK\r\nServer: nginx\r\nVary: Accept\r\nTransfer-Encoding: chunked',
      'hi',
      'more',
    );
    stream.stream.sendTrailers('X-Secret: 2\r\nX-Sum: 3\r\n');
    const [interim, response] = [await client.response(), await client.response()];
    expect(interim.head).toBe('HTTP/1.1 103 Early Hints\r\nLink: </a>');
    expect(response.fields).toMatchObject({
      vary: 'Accept, Origin',
      'x-id': /X-Request-Id: (\S+)/.exec(stream.head)![1],
    });
    expect(response.fields['server']).toBeUndefined();
    expect(response.trailers).toBe('X-Sum: 3\r\n');
  });

  it('are about switches and about answers of the edge too', async () => {
    const { agent, client, edge } = await startWith({ responseHeaders: { set: { 'X-By': '{edge}' } } });
    client.request('GET /', ['Connection: Upgrade', 'Upgrade: echo']);
    (await agent.next()).answer(
      'HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: echo',
      'early',
      'more',
    );
    await client.hear('early');
    expect(client.text).toMatch(
      /^HTTP\/1\.1 101 Switching\r\nX-By: eu-1\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly$/,
    );
    agent.link.close(0, 'gone');
    const other = await edge.connect();
    await eventually(async () => (await edge.metric('culvert_edge_sessions')) === 0);
    other.request();
    expect((await other.response()).fields).toMatchObject({ 'x-culvert-error': 'no_agent', 'x-by': 'eu-1' });
  });

  it('refuse a request of which they make no valid host, or too large a head', async () => {
    const host = await startWith({ requestHeaders: { set: { Host: '{request_header.x-to}' } } });
    host.client.request('GET /', ['X-To: a b']);
    expect((await host.client.response()).fields['x-culvert-error']).toBe('bad_request');
    host.client.request('GET /', ['X-To: a.test']);
    expect((await host.agent.next()).head).toContain('\r\nHost: a.test\r\n');
    const large = await startWith({
      requestHeaders: { set: { 'X-All': '{request_header.x-big}'.repeat(20) } },
    });
    large.client.request('GET /', [`X-Big: ${'x'.repeat(8_000)}`]);
    expect((await large.client.response()).fields['x-culvert-error']).toBe('head_too_large');
  });
});

describe('a route that redirects', () => {
  it('answers by itself, and the connection goes on', async () => {
    const { agent, client, edge } = await startWith({
      redirect: { to: 'https://www.example.com{uri}', status: 301 },
      responseHeaders: { set: { 'Strict-Transport-Security': 'max-age=1' } },
    });
    client.request('GET /a?b="');
    const response = await client.response();
    expect([response.status, response.fields['location']]).toEqual([301, 'https://www.example.com/a?b="']);
    expect(response.fields).toMatchObject({
      'strict-transport-security': 'max-age=1',
      'content-length': '0',
    });
    client.request('OPTIONS *');
    expect((await client.response()).fields['location']).toBe('https://www.example.com/');
    expect(agent.streams).toEqual([]);
    expect(await edge.metric('culvert_edge_responses_total')).toBe(2);
  });

  it('leads to no other host than the rule says', async () => {
    const { client } = await startWith({
      redirect: { to: '/{query}?from={request_header.x-a}', status: 302 },
    });
    client.request('GET /x?/evil.test', ['X-A: a\té b']);
    expect((await client.response()).fields['location']).toBe('/evil.test?from=a%09%C3%A9%20b');
  });
});

describe('a route that lets no redirect to an internal address pass', () => {
  it.each([
    ['HTTP/1.1 302 Found\r\nLocation: http://10.0.0.7:3000/login\r\nContent-Length: 0', 502],
    ['HTTP/1.1 201 Created\r\nLocation: http://backend/x\r\nContent-Length: 0', 502],
    ['HTTP/1.1 302 Found\r\nLocation: https://www.example.com/\r\nContent-Length: 0', 302],
    ['HTTP/1.1 200 OK\r\nLocation: http://10.0.0.7/\r\nContent-Length: 0', 200],
  ])('answers %j with %i', async (head, status) => {
    const { agent, client } = await startWith({ locations: 'refuse' });
    client.request();
    (await agent.next()).answer(head);
    const response = await client.response();
    expect(response.status).toBe(status);
    expect(response.fields['x-culvert-error']).toBe(status === 502 ? 'upstream_redirect' : undefined);
    expect(response.head).not.toMatch(/10\.0\.0\.7:3000|backend/);
  });
});

describe('the size of a body', () => {
  it.each([
    ['a route', { maxBody: 10 }, {}],
    ['an edge', {}, { limits: { bodySize: '10B' } }],
    ['a route, rather than that of the edge', { maxBody: '10B' }, { limits: { bodySize: '1B' } }],
  ])('that is beyond the limit of %s is refused before anything goes out', async (_, policy, more) => {
    const { agent, client, edge } = await startWith(policy, more);
    client.request('POST /', ['Content-Length: 11', 'Expect: 100-continue']);
    const response = await client.response();
    expect([response.status, response.fields['x-culvert-error']]).toEqual([413, 'content_too_large']);
    expect(await client.over()).toBe('cleanly');
    const other = await edge.connect();
    other.request('POST /', ['Content-Length: 10'], '0123456789');
    expect((await (await agent.next()).whole()).text).toBe('0123456789');
    expect(agent.streams).toHaveLength(1);
  });

  it('that nobody announced is refused once it is too much', async () => {
    const { agent, client } = await startWith({ maxBody: 10 });
    client.request('POST /', ['Transfer-Encoding: chunked'], '8\r\n01234567\r\n');
    const stream = await agent.next();
    client.send('3\r\n890\r\n');
    expect((await client.response()).status).toBe(413);
    await eventually(() => stream.reset);
    expect(stream.text).toBe('01234567');
  });

  it('that is too much at once never gets to the service', async () => {
    const { agent, client } = await startWith({ maxBody: 10 });
    client.request('POST /', ['Transfer-Encoding: chunked'], 'b\r\n01234567890\r\n0\r\n\r\n');
    expect((await client.response()).status).toBe(413);
    expect(agent.streams).toEqual([]);
  });

  it('that grows too large after the answer has begun ends in an abort', async () => {
    const { agent, client } = await startWith({ maxBody: 10 });
    client.request('POST /', ['Transfer-Encoding: chunked'], '8\r\n01234567\r\n');
    (await agent.next()).answer('HTTP/1.1 200 OK\r\nContent-Length: 9', 'half', 'more');
    await client.hear('half');
    client.send('3\r\n890\r\n');
    expect(await client.over()).toBe('by reset');
  });
});

describe('the time limits of a route', () => {
  it('count in place of those of the edge', async () => {
    const { client } = await startWith({ timeouts: { firstByte: '300ms' } });
    client.request();
    expect((await client.response()).fields['x-culvert-error']).toBe('upstream_timeout');
  });

  it.each([
    ['a route', { timeouts: { total: '500ms' } }, {}],
    ['an edge', {}, { timeouts: { total: '500ms' } }],
  ])('bound a whole answer: total of %s', async (_, policy, more) => {
    const { agent, client } = await startWith(policy, more);
    client.request();
    const stream = await agent.next();
    stream.answer('HTTP/1.1 200 OK', 'a', 'more');
    const drip = setInterval(() => stream.send('b'), 20);
    expect(await client.over().finally(() => clearInterval(drip))).toBe('by reset');
    expect(client.text).toContain('b');
    await eventually(() => stream.reset);
  });

  it('bound a request that nobody answers: total', async () => {
    const { agent, client } = await startWith({ timeouts: { total: '300ms' } });
    client.request('POST /', ['Content-Length: 10'], 'half');
    await agent.next();
    const drip = setInterval(() => client.send('x'), 100);
    const response = await client.response().finally(() => clearInterval(drip));
    expect(response.fields['x-culvert-error']).toBe('upstream_timeout');
  });

  it('bound the quiet of an upgraded connection', async () => {
    const { agent, client } = await startWith({ timeouts: { tunnelIdle: '300ms' } });
    client.request('GET /', ['Connection: Upgrade', 'Upgrade: echo']);
    (await agent.next()).answer('HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: echo', '', 'more');
    await client.hear('101');
    expect(await client.over()).toBe('by reset');
  });
});

describe('the bandwidth of a route', () => {
  const LENGTH = 200_000;

  it('bounds an answer', async () => {
    const { agent, client } = await startWith({ bandwidth: { down: 200_000 } });
    client.request();
    const began = performance.now();
    (await agent.next()).answer(`HTTP/1.1 200 OK\r\nContent-Length: ${LENGTH}`, 'x'.repeat(LENGTH));
    expect((await client.response()).body).toHaveLength(LENGTH);
    expect(performance.now() - began).toBeGreaterThan(800);
  });

  it('bounds a request', async () => {
    const { agent, client } = await startWith({ bandwidth: { up: 200_000 } });
    const began = performance.now();
    client.request('POST /', [`Content-Length: ${LENGTH}`], 'x'.repeat(LENGTH));
    const stream = await (await agent.next()).whole();
    expect(stream.bytes).toBe(LENGTH);
    expect(performance.now() - began).toBeGreaterThan(700);
    stream.ok();
    expect((await client.response()).body).toBe('ok');
  });

  it('bounds a request that came in one piece', async () => {
    const { agent, client } = await startWith({ bandwidth: { up: 20_000 } });
    const began = performance.now();
    client.request('POST /', ['Content-Length: 20000'], 'x'.repeat(20_000));
    await (await agent.next()).whole();
    expect(performance.now() - began).toBeGreaterThan(700);
  });

  it('bounds both ways of an upgraded connection', async () => {
    const { agent, client } = await startWith({ bandwidth: 200_000 });
    client.request('GET /', ['Connection: Upgrade', 'Upgrade: echo']);
    const stream = await agent.next();
    stream.answer('HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: echo', '', 'more');
    await client.hear('101');
    const began = performance.now();
    client.send('u'.repeat(LENGTH));
    stream.send('d'.repeat(LENGTH));
    await eventually(() => stream.bytes === LENGTH && client.received.length > LENGTH);
    expect(performance.now() - began).toBeGreaterThan(700);
  });

  it('is no reason to give up a request', async () => {
    const { agent, client } = await startWith({
      bandwidth: 50_000,
      timeouts: { bodyIdle: '250ms', firstByte: '250ms', tunnelIdle: '250ms' },
    });
    client.request('POST /', [`Content-Length: 100000`], 'x'.repeat(100_000));
    const stream = await (await agent.next()).whole();
    expect(stream.bytes).toBe(100_000);
  });

  it('leaves nothing behind when the client goes', async () => {
    const { agent, client } = await startWith({ bandwidth: 10_000 });
    client.request();
    const stream = await agent.next();
    stream.answer(`HTTP/1.1 200 OK\r\nContent-Length: ${LENGTH}`, 'x'.repeat(LENGTH));
    await client.hear('xxx');
    client.socket.destroy();
    await eventually(() => stream.reset ?? stream.stream.closed);
  });
});

it('keys that this edge does not know are none of its business', async () => {
  const { agent, client } = await startWith({ later: { than: 'now' } } as RoutePolicy);
  client.request();
  expect((await agent.next()).head).toMatch(/^GET \/ /);
});
