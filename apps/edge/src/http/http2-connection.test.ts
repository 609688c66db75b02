import { createHash } from 'node:crypto';
import { constants } from 'node:http2';
import { INITIAL_WINDOW_BYTES } from '@culvert/link';
import { eventually } from '@culvert/testkit';
import { ResetCode } from '@culvert/wire';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startInstallation, startWithAgent } from '../testing/edge-kit.ts';
import { fill } from '../testing/fill.ts';
import { Http2Client } from '../testing/http2-client.ts';
import { Frame, Http2Frames } from '../testing/http2-frames.ts';
import { patternedBytes } from '../testing/patterned-bytes.ts';
import { UPLOAD_WINDOW_BYTES } from './upload-hold.ts';

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

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

  it('is left to its own deadline when it is a gRPC call, and may be silent either way until then', async () => {
    const short = { firstByte: '200ms', bodyIdle: '200ms' };
    const { http2, agent } = await withHttp2({ timeouts: short });
    const fields = { ':method': 'POST', te: 'trailers' };
    const call = http2.open({ ...fields, 'content-type': 'application/grpc+proto' });
    const plain = http2.request({ ...fields, 'content-type': 'application/json' });
    const stream = await agent.next();
    expect((await plain.response())[':status']).toBe(504);
    expect(stream.reset).toBeUndefined();
    stream.ok('late');
    call.stream.end();
    expect(await call.whole()).toBe('late');
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

describe('the body of a request over HTTP/2', () => {
  it('brings its trailers', async () => {
    const { http2, agent } = await withHttp2();
    const asked = http2.session.request(
      { ':method': 'POST', ':path': '/', ':authority': 'app.test' },
      { waitForTrailers: true },
    );
    asked.on('wantTrailers', () => asked.sendTrailers({ 'x-sum': '1' }));
    asked.end('body');
    const stream = await (await agent.next()).whole();
    expect([stream.text, stream.trailers]).toEqual(['body', 'x-sum: 1\r\n']);
  });

  it('is waited for where the client expects 100, and the service says so', async () => {
    const { http2, agent } = await withHttp2();
    const asked = http2.open({ ':method': 'PUT', expect: '100-continue', 'content-length': 4 });
    const stream = await agent.next();
    expect(stream.head).toContain('Expect: 100-continue\r\n');
    stream.answer('HTTP/1.1 100 Continue', '', 'more');
    await eventually(() => asked.interim.length === 1);
    expect(asked.interim[0]).toEqual({ ':status': 100 });
    asked.stream.end('body');
    expect((await stream.whole()).text).toBe('body');
    stream.ok('done');
    expect(await asked.whole()).toBe('done');
  });

  it('goes no faster than the agent takes it, and arrives whole', async () => {
    const { http2, agent } = await withHttp2();
    const body = patternedBytes(6_000_000);
    agent.serve = (stream) => void (stream.takes = false);
    const asked = http2.request({ ':method': 'POST', 'content-length': body.length }, body);
    const stream = await agent.next();
    await eventually(() => stream.bytes === INITIAL_WINDOW_BYTES);
    agent.serve = (other) => void other.ok('quick');
    expect(await http2.request().whole()).toBe('quick');
    expect(stream.bytes).toBe(INITIAL_WINDOW_BYTES);
    expect(asked.stream.writableLength + asked.stream.bufferSize).toBeGreaterThan(0);
    stream.takes = true;
    stream.take();
    await stream.whole();
    expect(digest(Buffer.concat(stream.parts))).toBe(digest(body));
    stream.ok();
    expect(await asked.whole()).toBe('ok');
  });

  it('that nobody takes counts as memory of the edge, and is refused when there is none left', async () => {
    const { http2, agent, edge } = await withHttp2({ limits: { buffer: '1MiB', streamBuffer: '64KiB' } });
    agent.serve = (stream) => void (stream.takes = false);
    const body = Buffer.alloc(300_000);
    const first = http2.request({ ':method': 'POST' }, body);
    await agent.next();
    await eventually(async () => (await edge.metric('culvert_edge_window_bytes')) >= UPLOAD_WINDOW_BYTES);
    const others = Array.from({ length: 4 }, () => http2.request({ ':method': 'POST' }, body));
    const refused = await eventually(() => others.find(({ head }) => head !== undefined));
    expect(refused.head).toMatchObject({ ':status': 503, 'x-culvert-error': 'overloaded' });
    for (const { stream } of [first, ...others]) stream.close(constants.NGHTTP2_CANCEL);
    await eventually(async () => (await edge.metric('culvert_edge_window_bytes')) === 0);
  });

  it('goes to another agent as long as nothing of the answer has come', async () => {
    const { http2, agent, edge } = await withHttp2();
    const other = await edge.attach();
    for (const each of [agent, other]) {
      each.serve = (stream) => {
        stream.onOver = () => void stream.ok(stream.text);
        return agent.streams.length + other.streams.length === 1 ? ResetCode.NotDelivered : undefined;
      };
    }
    expect(await http2.request({ ':method': 'POST' }, 'once more').whole()).toBe('once more');
    expect([agent.streams.length, other.streams.length]).toEqual([1, 1]);
  });

  it('that goes on after the whole answer is thrown away, and the client asked to stop', async () => {
    const { http2, agent } = await withHttp2();
    const asked = http2.open({ ':method': 'POST' });
    asked.stream.write('begin');
    const stream = await agent.next();
    stream.answer('HTTP/1.1 413 Too Large\r\nContent-Length: 2', 'no');
    await eventually(() => asked.ended);
    expect([asked.head?.[':status'], asked.text]).toEqual([413, 'no']);
    await eventually(() => stream.reset);
    asked.stream.write('and on');
    expect(await asked.reset()).toBe(constants.NGHTTP2_NO_ERROR);
  });

  it('that stops coming is answered with 408', async () => {
    const { http2, agent } = await withHttp2({ timeouts: { bodyIdle: '300ms' } });
    const asked = http2.open({ ':method': 'POST' });
    asked.stream.write('begin');
    const stream = await agent.next();
    expect(await asked.response()).toMatchObject({ ':status': 408, 'x-culvert-error': 'request_timeout' });
    await eventually(() => stream.reset);
  });
});

describe('a response over HTTP/2', () => {
  it('may follow several interim ones', async () => {
    const { http2, agent } = await withHttp2();
    const asked = http2.request();
    const stream = await agent.next();
    stream.answer('HTTP/1.1 103 Early Hints\r\nLink: </a.css>', '', 'more');
    stream.answer('HTTP/1.1 102 Processing', '', 'more').ok('final');
    expect(await asked.whole()).toBe('final');
    expect(asked.interim).toEqual([{ ':status': 103, link: '</a.css>' }, { ':status': 102 }]);
  });

  it.each([
    ['to HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 1234', '1234'],
    ['with 304', 'GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 77', '77'],
    ['with 204', 'DELETE', 'HTTP/1.1 204 No Content', undefined],
    ['with 205', 'GET', 'HTTP/1.1 205 Reset Content\r\nContent-Length: 0', '0'],
  ])('%s has no body and tells what the service told', async (_, method, head, length) => {
    const { http2, agent } = await withHttp2();
    const asked = http2.request({ ':method': method });
    (await agent.next()).answer(head);
    expect(await asked.whole()).toBe('');
    expect(asked.head?.['content-length']).toBe(length);
  });

  it('that is trailers only ends with its head', async () => {
    const { http2, agent } = await withHttp2();
    const asked = http2.request({ te: 'trailers' });
    (await agent.next()).answer('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\ngrpc-status: 12');
    expect(await asked.whole()).toBe('');
    expect(asked.head).toMatchObject({ ':status': 200, 'grpc-status': '12' });
    expect([asked.head?.['content-length'], asked.trailers]).toEqual([undefined, undefined]);
  });

  it('of many megabytes arrives byte for byte, no faster than the client takes it', async () => {
    const { http2, agent, edge } = await withHttp2({ limits: { streamBuffer: '256KiB' } });
    const body = patternedBytes(6_000_000);
    const asked = http2.request();
    asked.stream.pause();
    const stream = await agent.next();
    stream.answer(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}`, '', 'more');
    let at = 0;
    stream.onRoom = () => {
      for (let room = true; room && at < body.length; at += 100_000) {
        room = stream.send(body.subarray(at, at + 100_000), at + 100_000 >= body.length ? 'last' : 'more');
      }
    };
    stream.onRoom();
    agent.serve = (other) => void other.ok('quick');
    expect(await http2.request().whole()).toBe('quick');
    await eventually(async () => (await edge.metric('culvert_edge_window_bytes')) > 0);
    expect(at).toBeLessThan(3_000_000);
    asked.stream.resume();
    await asked.whole();
    expect(digest(asked.bytes)).toBe(digest(body));
  });

  it('that its client takes none of for too long is cut', async () => {
    const { http2, agent } = await withHttp2({ timeouts: { bodyIdle: '500ms' } });
    const asked = http2.request();
    asked.stream.pause();
    const stream = await agent.next();
    stream.answer('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked', '', 'more');
    stream.onRoom = () => {
      for (let room = true; room;) room = stream.send(Buffer.alloc(100_000));
    };
    stream.onRoom();
    await eventually(() => stream.reset);
    asked.stream.resume();
    expect(await asked.reset()).toBe(constants.NGHTTP2_INTERNAL_ERROR);
    expect(asked.ended).toBe(false);
  });

  it('that its client takes slowly goes on', async () => {
    const { agent, edge } = await startWithAgent({ timeouts: { bodyIdle: '400ms' } });
    const frames = (await Http2Frames.connect(edge.httpPort)).get(1);
    const stream = await agent.next();
    stream.answer('HTTP/1.1 200 OK\r\nContent-Length: 2000000', '', 'more');
    stream.send(Buffer.alloc(2_000_000));
    const increment = Buffer.from('00000064', 'hex');
    const taking = setInterval(() => {
      for (const id of [0, 1]) frames.send(Frame.WindowUpdate, 0, id, increment);
    }, 100);
    onTestFinished(() => clearInterval(taking));
    const patience = performance.now() + 2_000;
    await eventually(() => performance.now() > patience);
    expect(stream.reset).toBeUndefined();
    clearInterval(taking);
    await eventually(() => stream.reset);
  });

  it.each([
    ['of known length', 'Content-Length: 10'],
    ['of unknown length', 'Transfer-Encoding: chunked'],
  ])('%s that breaks off is reset, never ended', async (_, framing) => {
    const { http2, agent } = await withHttp2();
    const asked = http2.request();
    const stream = await agent.next();
    stream.answer(`HTTP/1.1 200 OK\r\n${framing}`, 'hello', 'more');
    await asked.hear('hello');
    stream.stream.reset(ResetCode.UpstreamLost, 'gone');
    expect(await asked.reset()).toBe(constants.NGHTTP2_INTERNAL_ERROR);
    expect(asked.ended).toBe(false);
  });

  it('of another length than announced is reset, never ended', async () => {
    const { http2, agent } = await withHttp2();
    for (const more of [() => 'too much for it', () => '']) {
      const asked = http2.request();
      const stream = await agent.next();
      stream.answer('HTTP/1.1 200 OK\r\nContent-Length: 10', 'hello', 'more');
      await asked.hear('hello');
      stream.send(more(), 'last');
      expect(await asked.reset()).toBe(constants.NGHTTP2_INTERNAL_ERROR);
      expect(asked.ended).toBe(false);
    }
  });

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

describe('a connection over HTTP/2', () => {
  it('without requests is closed when its time is over, whatever else its client sends', async () => {
    const { edge } = await startInstallation({ timeouts: { idle: '300ms' } });
    const http2 = Http2Client.connect(edge.httpPort);
    const pings = setInterval(() => http2.session.destroyed || http2.session.ping(() => undefined), 50);
    await eventually(() => http2.closed);
    clearInterval(pings);
    expect(http2.goAways[0]?.code).toBe(constants.NGHTTP2_NO_ERROR);
    await eventually(async () => (await edge.metric('culvert_edge_http2_connections')) === 0);
    expect(await edge.metric('culvert_edge_http2_connections_total')).toBe(1);
  });

  it('of a draining edge is told so, takes what was on its way, and ends with its last request', async () => {
    const { http2, agent, edge } = await withHttp2({ drainTimeout: '30s' });
    const asked = http2.request();
    const stream = await agent.next();
    const drained = edge.running.drain();
    await eventually(() => http2.goAways.length > 0);
    expect(http2.goAways[0]).toEqual({ code: constants.NGHTTP2_NO_ERROR, lastStream: 2 ** 31 - 1 });
    stream.ok('late');
    expect(await asked.whole()).toBe('late');
    await eventually(() => http2.closed);
    await drained;
  });

  it('of a draining edge stays until a slow client has taken all of its answer', async () => {
    const { http2, agent, edge } = await withHttp2({ drainTimeout: '30s' });
    const asked = http2.request();
    asked.stream.pause();
    const stream = await agent.next();
    stream.answer('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked', '', 'more');
    const sent = await fill(stream);
    stream.send('', 'last');
    await eventually(() => stream.stream.closed);
    const drained = edge.running.drain();
    const patience = performance.now() + 300;
    const stays = eventually(() => performance.now() > patience && 'stays');
    expect(await Promise.race([drained.then(() => 'leaves'), stays])).toBe('stays');
    asked.stream.resume();
    expect(await asked.whole()).toHaveLength(sent);
    await drained;
  });

  it('that breaks resets the streams of all its requests', async () => {
    const { http2, agent, edge } = await withHttp2();
    const streams = [];
    for (let at = 0; at < 3; at++) {
      http2.request();
      streams.push(await agent.next());
    }
    http2.session.destroy();
    for (const stream of streams) await eventually(() => stream.reset);
    expect(await edge.metric('culvert_edge_requests')).toBe(0);
  });
});
