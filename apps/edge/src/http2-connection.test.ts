import { eventually } from '@culvert/testkit';
import { ResetCode } from '@culvert/wire';
import { constants } from 'node:http2';
import { describe, expect, it } from 'vitest';
import { startInstallation, startWithAgent } from './testing/edge-kit.ts';
import { Http2Client } from './testing/http2-client.ts';

const withHttp2 = async (more: object = {}) => {
  const parts = await startWithAgent(more);
  return { ...parts, http2: Http2Client.connect(parts.edge.httpPort) };
};

describe('a request over HTTP/2', () => {
  it('reaches the agent as the same over HTTP/1.1 would, its cookies joined', async () => {
    const { http2, agent } = await withHttp2();
    http2.request({
      ':path': '/a%20b/../c?q=%zz',
      ':authority': 'App.Test:8080',
      'x-odd': ['1', '2'],
      cookie: ['a=1', 'b=2'],
      te: 'trailers',
      'x-forwarded-for': '10.0.0.1',
      'proxy-authorization': 'Basic eDp5',
      'x-request-id': 'chosen',
    });
    const { head, open } = await agent.next();
    expect(open.hostname).toBe('app.test');
    const lines = head.split('\r\n');
    expect(lines.slice(0, 5)).toEqual([
      'GET /a%20b/../c?q=%zz HTTP/1.1',
      'Host: App.Test:8080',
      'x-odd: 1',
      'x-odd: 2',
      'cookie: a=1; b=2',
    ]);
    expect(lines).toEqual(expect.arrayContaining(['X-Forwarded-For: 127.0.0.1', 'TE: trailers']));
    expect(head).not.toMatch(/10\.0\.0\.1|Basic|chosen/);
  });

  it.each([
    ['of known length', { 'content-length': 11 }, 'Content-Length: 11\r\n'],
    ['of unknown length', {}, 'Transfer-Encoding: chunked\r\n'],
  ])('brings a body %s', async (_, fields, framing) => {
    const { http2, agent } = await withHttp2();
    const asked = http2.request({ ':method': 'POST', ...fields }, 'hello world');
    const stream = await (await agent.next()).whole();
    expect([stream.text, stream.head.includes(framing)]).toEqual(['hello world', true]);
    stream.ok('done');
    expect(await asked.whole()).toBe('done');
  });

  it('runs beside others of its connection, for several hostnames, answered in any order', async () => {
    const { http2, agent } = await withHttp2();
    const first = http2.request({ ':path': '/first' });
    const one = await agent.next();
    const second = http2.request({ ':path': '/second' });
    const two = await agent.next();
    const unknown = http2.request({ ':authority': 'nowhere.test' });
    two.ok('two');
    expect(await second.whole()).toBe('two');
    expect((await unknown.response())[':status']).toBe(404);
    one.ok('one');
    expect(await first.whole()).toBe('one');
  });

  it('given up by its client resets the stream at once', async () => {
    const { http2, agent, edge } = await withHttp2();
    const asked = http2.request();
    const stream = await agent.next();
    asked.stream.close(constants.NGHTTP2_CANCEL);
    expect((await eventually(() => stream.reset)).code).toBe(ResetCode.Cancelled);
    expect(await edge.metric('culvert_edge_requests')).toBe(0);
    expect(await edge.metric('culvert_edge_client_aborts_total')).toBe(1);
  });
});

describe('a response over HTTP/2', () => {
  it('has the fields of the service without those of its connection, and its trailers', async () => {
    const { http2, agent } = await withHttp2();
    const asked = http2.request({ te: 'trailers' });
    const stream = await agent.next();
    stream.answer(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: x\r\n' +
        'Date: now\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-A: 1\r\nX-A: 2\r\nTrailer: grpc-status',
      'hel',
      'more',
    );
    await asked.hear('hel');
    stream.send('lo');
    stream.stream.sendTrailers('grpc-status: 0\r\n');
    expect(await asked.whole()).toBe('hello');
    expect(asked.head).toEqual({
      ':status': 200,
      date: 'now',
      'set-cookie': ['a=1', 'b=2'],
      'x-a': '1, 2',
      trailer: 'grpc-status',
    });
    expect(asked.trailers).toEqual({ 'grpc-status': '0' });
  });

  it('that breaks off is reset, never ended', async () => {
    const { http2, agent } = await withHttp2();
    const asked = http2.request();
    const stream = await agent.next();
    stream.answer('HTTP/1.1 200 OK\r\nContent-Length: 10', 'hello', 'more');
    await asked.hear('hello');
    stream.stream.reset(ResetCode.UpstreamLost, 'gone');
    expect(await asked.reset()).toBe(constants.NGHTTP2_INTERNAL_ERROR);
    expect(asked.ended).toBe(false);
  });

  it('of the edge itself says why, in the form that the client accepts', async () => {
    const { edge } = await startInstallation();
    const asked = Http2Client.connect(edge.httpPort).request({ accept: 'application/json' });
    const head = await asked.response();
    expect(head).toMatchObject({ ':status': 503, 'x-culvert-error': 'no_agent', 'retry-after': '5' });
    expect(JSON.parse(await asked.whole())).toMatchObject({ error: { requestId: head['x-request-id'] } });
  });
});

it('an entry point that does not speak HTTP/2 closes it', async () => {
  const { edge } = await startInstallation({ entryPoints: [{ listen: '127.0.0.1:0', http2: false }] });
  const http2 = Http2Client.connect(edge.httpPort);
  await eventually(() => http2.closed);
  expect(await edge.metric('culvert_edge_garbage_total')).toBe(1);
});
