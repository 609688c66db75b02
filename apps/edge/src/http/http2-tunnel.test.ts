import { constants } from 'node:http2';
import { eventually } from '@culvert/testkit';
import { ResetCode } from '@culvert/wire';
import { describe, expect, it } from 'vitest';
import { startWithAgent } from '../testing/edge-kit.ts';
import { Http2Client } from '../testing/http2-client.ts';
import type { Http2Asking } from '../testing/http2-client.ts';
import { block, END_HEADERS, Frame, Http2Frames } from '../testing/http2-frames.ts';
import type { StreamDouble } from '../testing/stream-double.ts';
import { webSocketAccept } from './websocket-key.ts';

const ASK = {
  ':method': 'CONNECT',
  ':protocol': 'websocket',
  ':scheme': 'http',
  ':path': '/chat',
  'sec-websocket-version': '13',
  'sec-websocket-protocol': 'talk',
};

const ask = async (fields: object = {}, more: object = {}) => {
  const parts = await startWithAgent(more);
  const http2 = Http2Client.connect(parts.edge.httpPort);
  // A client may use the extension once it has been offered (RFC 8441 §3).
  await eventually(() => http2.session.remoteSettings.enableConnectProtocol);
  const asked = http2.open({ ...ASK, ...fields });
  return { ...parts, http2, asked, stream: await parts.agent.next() };
};
const switchFor = ({ head }: StreamDouble, accept?: string): string => {
  const key = /^Sec-WebSocket-Key: (\S+)\r$/m.exec(head)?.[1] ?? '';
  return (
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
    `Sec-WebSocket-Protocol: talk\r\nSec-WebSocket-Accept: ${accept ?? webSocketAccept(key)}`
  );
};
const opened = async (more: object = {}) => {
  const parts = await ask({}, more);
  parts.stream.answer(switchFor(parts.stream), '', 'more');
  await parts.asked.response();
  return parts;
};
const refusal = async (asked: Http2Asking): Promise<unknown[]> => {
  const head = await asked.response();
  return [head[':status'], head['x-culvert-error']];
};

it('the accept value of a key is that of RFC 6455', () => {
  expect(webSocketAccept('dGhlIHNhbXBsZSBub25jZQ==')).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
});

describe('a WebSocket over HTTP/2', () => {
  it('is an upgrade to the service, with a key of the edge’s own, and success to the client', async () => {
    const { stream, asked } = await ask({ 'sec-websocket-key': 'mine' });
    expect(stream.head).toMatch(/^GET \/chat HTTP\/1\.1\r\nHost: app\.test\r\n/);
    expect(stream.head).toContain('Connection: Upgrade\r\nUpgrade: websocket\r\n');
    expect(stream.head).toContain('sec-websocket-version: 13\r\n');
    expect(stream.head.match(/sec-websocket-key: \S{24}\r\n/gi)).toHaveLength(1);
    stream.answer(switchFor(stream), '', 'more');
    const { date: _, ...head } = await asked.response();
    expect(head).toEqual({ ':status': 200, 'sec-websocket-protocol': 'talk' });
  });

  it('makes raw bytes of both directions, and loses none that came early', async () => {
    const { asked, stream } = await ask();
    asked.stream.write('early up');
    stream.answer(switchFor(stream), 'early down', 'more');
    await asked.hear('early down');
    await eventually(() => stream.text === 'early up');
    asked.stream.write(' again');
    await eventually(() => stream.text === 'early up again');
    stream.send(' again');
    await asked.hear('early down again');
  });

  it('carries the end of either direction while the other goes on', async () => {
    const first = await opened();
    first.asked.stream.end('last words');
    await first.stream.whole();
    expect(first.stream.text).toBe('last words');
    first.stream.send('still here', 'last');
    expect(await first.asked.whole()).toBe('still here');
    const second = await opened();
    second.stream.send('bye', 'last');
    await eventually(() => second.asked.ended);
    second.asked.stream.end('wait');
    await second.stream.whole();
    expect([second.stream.text, await second.asked.whole()]).toEqual(['wait', 'bye']);
  });

  it('resets its stream when the client gives up, and the client when its stream is reset', async () => {
    const first = await opened();
    first.asked.stream.close(constants.NGHTTP2_CANCEL);
    await eventually(() => first.stream.reset);
    const second = await opened();
    second.stream.send('half');
    await second.asked.hear('half');
    second.stream.stream.reset(ResetCode.UpstreamLost, 'gone');
    expect(await second.asked.reset()).toBe(constants.NGHTTP2_CANCEL);
    expect(second.asked.ended).toBe(false);
  });

  it('never takes the loss of its connection for an end', async () => {
    const { http2, stream } = await opened();
    http2.session.destroy();
    await eventually(() => stream.reset);
    expect(stream).toMatchObject({ ended: false, reset: { code: ResetCode.Cancelled } });
  });

  it('never takes a reset for an end', async () => {
    const { edge, agent } = await startWithAgent();
    const frames = await Http2Frames.connect(edge.httpPort);
    const fields = Object.entries({ ':authority': 'app.test', ...ASK });
    frames.send(Frame.Headers, END_HEADERS, 1, block(fields));
    const stream = await agent.next();
    stream.answer(switchFor(stream), '', 'more');
    await eventually(() => frames.received.some((frame) => frame.type === Frame.Headers));
    const cancel = Buffer.of(0, 0, 0, constants.NGHTTP2_CANCEL);
    frames.send(Frame.ResetStream, 0, 1, cancel);
    await eventually(() => stream.reset);
    expect(stream).toMatchObject({ ended: false, reset: { code: ResetCode.Cancelled } });
  });

  it('goes no faster than either side takes it', async () => {
    const { asked, stream, edge } = await opened({ limits: { streamBuffer: '256KiB' } });
    stream.takes = false;
    asked.stream.write(Buffer.alloc(2_000_000, 'u'));
    asked.stream.pause();
    let sent = 0;
    stream.onRoom = () => {
      for (let room = true; room && sent < 4_000_000; sent += 50_000)
        room = stream.send(Buffer.alloc(50_000, 'd'));
    };
    stream.onRoom();
    await eventually(() => stream.bytes > 0);
    await eventually(async () => (await edge.metric('culvert_edge_window_bytes')) > 0);
    expect([sent < 4_000_000, stream.bytes < 2_000_000]).toEqual([true, true]);
    stream.takes = true;
    stream.take();
    asked.stream.resume();
    await eventually(() => stream.bytes === 2_000_000 && asked.bytes.length === 4_000_000);
  });

  it('is cut when nothing moves for too long', async () => {
    const { asked, stream } = await opened({ timeouts: { tunnelIdle: '200ms' } });
    expect(await asked.reset()).toBe(constants.NGHTTP2_CANCEL);
    await eventually(() => stream.reset);
  });

  it('that the service declines gets the service’s answer', async () => {
    const { asked, stream } = await ask();
    stream.answer('HTTP/1.1 403 Forbidden\r\nContent-Length: 2', 'no');
    await eventually(() => asked.ended);
    expect([asked.head?.[':status'], asked.text]).toEqual([403, 'no']);
    asked.stream.end();
    await stream.whole();
    expect(stream.reset).toBeUndefined();
  });

  it('is refused where the service succeeds without a switch, which the client would take for one', async () => {
    const { asked, stream } = await ask();
    stream.answer('HTTP/1.1 200 OK\r\nContent-Length: 2', 'ok');
    expect(await refusal(asked)).toEqual([502, 'upstream_protocol']);
    expect(asked.text).not.toContain('ok');
  });

  it.each([
    ['has not read the key', (stream: StreamDouble) => switchFor(stream, 'x')],
    ['switches to something else', (stream: StreamDouble) => switchFor(stream).replace(/websocket/, 'h2c')],
  ])('is refused where the service %s', async (_, answer) => {
    const { asked, stream } = await ask();
    stream.answer(answer(stream), '', 'more');
    expect(await refusal(asked)).toEqual([502, 'upstream_protocol']);
    await eventually(() => stream.reset);
  });
});

describe('another protocol over HTTP/2', () => {
  it('is an upgrade to that one', async () => {
    const { stream, asked } = await ask({ ':protocol': 'SPDY/3.1' });
    expect(stream.head).toContain('Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n');
    expect(stream.head).not.toMatch(/sec-websocket-key/i);
    stream.answer('HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1', '', 'more');
    expect(await asked.response()).toMatchObject({ ':status': 200 });
  });

  it.each(['h2c', 'HTTP/2.0'])('is not offered where it is %s', async (protocol) => {
    const { edge, agent } = await startWithAgent();
    const http2 = Http2Client.connect(edge.httpPort);
    await eventually(() => http2.session.remoteSettings.enableConnectProtocol);
    expect(await refusal(http2.open({ ...ASK, ':protocol': protocol }))).toEqual([501, 'not_implemented']);
    expect(agent.streams).toEqual([]);
  });
});
