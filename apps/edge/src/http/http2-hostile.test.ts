import { eventually } from '@culvert/testkit';
import { constants } from 'node:http2';
import { describe, expect, it } from 'vitest';
import { startInstallation, startWithAgent } from '../testing/edge-kit.ts';
import { Http2Client } from '../testing/http2-client.ts';
import { END_HEADERS, END_STREAM, Frame, Http2Frames, REQUEST, block } from '../testing/http2-frames.ts';

const { NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_PROTOCOL_ERROR, NGHTTP2_REFUSED_STREAM } = constants;

const withFrames = async (more: object = {}) => {
  const parts = await startWithAgent(more);
  return { ...parts, frames: await Http2Frames.connect(parts.edge.httpPort) };
};
const withField = (name: string, value: string) => [...REQUEST, [name, value]] as const;
const withPseudo = (name: string, value: string) =>
  REQUEST.map((field) => (field[0] === name ? ([name, value] as const) : field));
const increment = (by: number): Buffer => {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(by);
  return payload;
};

describe('a request that HTTP/2 forbids', () => {
  it.each([
    ['an upper-case name', withField('X-A', '1')],
    ['a line of its own in the path', withPseudo(':path', '/ HTTP/1.1\r\nx-b: 2\r\n\r\n')],
    ['a line of its own in the method', withPseudo(':method', 'GET / HTTP/1.1\r\nx-b: 2\r\n\r\nGET')],
    ['a line of its own in the authority', withPseudo(':authority', 'app.test\r\nx-b: 2')],
    ['an empty path', withPseudo(':path', '')],
    ['an absolute target', withPseudo(':path', 'http://other.test/')],
    ['a target of no form', withPseudo(':path', 'x')],
    ['an asterisk with GET', withPseudo(':path', '*')],
    ['an authority with user information', withPseudo(':authority', 'user@app.test')],
    ['a pseudo-field twice', [...REQUEST.slice(0, 1), ...REQUEST]],
    ['a pseudo-field behind a field', [['x-a', '1'] as const, ...REQUEST]],
    ['a pseudo-field that there is not', [[':x', '1'] as const, ...REQUEST]],
    ['no scheme', REQUEST.filter(([name]) => name !== ':scheme')],
    ['Connection', withField('connection', 'close')],
    ['Transfer-Encoding', withField('transfer-encoding', 'chunked')],
    ['Upgrade', withField('upgrade', 'websocket')],
    ['TE with anything but trailers', withField('te', 'gzip')],
    ['two lengths', [...withField('content-length', '0'), ['content-length', '1'] as const]],
    ['a length without its body', withField('content-length', '5')],
  ])('by %s is reset and reaches nobody', async (_, fields) => {
    const { frames, agent } = await withFrames();
    frames.get(1, fields);
    expect(await frames.reset(1)).toBe(NGHTTP2_PROTOCOL_ERROR);
    agent.serve = (stream) => void stream.ok();
    frames.get(3);
    await eventually(() =>
      frames.received.some(({ type, stream }) => type === Frame.Headers && stream === 3),
    );
    expect(agent.streams.map(({ head }) => head)).toEqual([expect.stringMatching(/^GET \/ HTTP\/1\.1\r\n/)]);
    expect(agent.streams[0]!.head).not.toContain('x-b');
  });

  // nghttp2 drops such a field, as the `x-b` that stands in it.
  it.each([
    ['a line of its own in its value', 'x-a', '1\r\nx-b: 2'],
    ['a bare LF in its value', 'x-a', '1\nx-b: 2'],
    ['a NUL in its value', 'x-a', '1\0x-b: 2'],
    ['a line of its own in its name', 'x-a: 1\r\nx-b', '2'],
    ['a colon in its name', 'x-b:b', '2'],
  ])('by a field with %s loses that field', async (_, name, value) => {
    const { frames, agent } = await withFrames();
    frames.get(1, withField(name, value));
    const { head } = await agent.next();
    expect(head).not.toMatch(/x-[ab]/);
  });

  it.each([
    ['another Host than its authority', 400, { host: 'other.test' }],
    ['an unknown expectation', 417, { expect: 'x' }],
    ['a target that is too long', 414, { ':path': `/${'x'.repeat(17_000)}` }],
    [
      'a head that is too large',
      431,
      { 'x-a': 'x'.repeat(15_000), 'x-b': 'x'.repeat(15_000), 'x-c': 'x'.repeat(9_000) },
    ],
    ['too many fields', 431, Object.fromEntries(Array.from({ length: 150 }, (_, at) => [`x-${at}`, '1']))],
  ])('by %s is answered with %i and reaches nobody', async (_, status, fields) => {
    const { edge, agent } = await startWithAgent();
    const http2 = Http2Client.connect(edge.httpPort);
    expect((await http2.request(fields).response())[':status']).toBe(status);
    const next = http2.request();
    (await agent.next()).ok('next');
    expect(await next.whole()).toBe('next');
    expect(agent.streams).toHaveLength(1);
  });

  it('by CONNECT without a protocol is answered with 501', async () => {
    const { edge } = await startInstallation();
    const asked = Http2Client.connect(edge.httpPort).session.request({
      ':method': 'CONNECT',
      ':authority': 'app.test:443',
    });
    const status = await new Promise((resolve) => asked.on('response', (head) => resolve(head[':status'])));
    expect(status).toBe(501);
  });

  it('by a body of another length than announced resets the stream to the agent', async () => {
    const { frames, agent } = await withFrames();
    const fields = [...withPseudo(':method', 'POST'), ['content-length', '5'] as const];
    frames.send(Frame.Headers, END_HEADERS, 1, block(fields));
    const stream = await agent.next();
    frames.send(Frame.Data, END_STREAM, 1, Buffer.from('ab'));
    expect(await frames.reset(1)).toBe(NGHTTP2_PROTOCOL_ERROR);
    await eventually(() => stream.reset);
    expect(stream.ended).toBe(false);
  });

  it('by trailers that would change the message loses those', async () => {
    const { frames, agent } = await withFrames();
    frames.send(Frame.Headers, END_HEADERS, 1, block(withPseudo(':method', 'POST')));
    frames.send(Frame.Data, 0, 1, Buffer.from('ab'));
    const trailers = [['x-sum', '1'] as const, ['cookie', 'a=b'] as const];
    frames.send(Frame.Headers, END_HEADERS | END_STREAM, 1, block(trailers));
    const stream = await (await agent.next()).whole();
    expect([stream.text, stream.trailers]).toEqual(['ab', 'x-sum: 1\r\n']);
  });
});

describe('a client that floods', () => {
  it('with streams that it resets at once is told to calm down, whatever the code of its resets', async () => {
    for (const code of [constants.NGHTTP2_CANCEL, constants.NGHTTP2_NO_ERROR]) {
      const { frames, edge } = await withFrames();
      for (let at = 0; at < 400; at++) {
        frames.get(2 * at + 1).send(Frame.ResetStream, 0, 2 * at + 1, increment(code));
      }
      expect(await frames.goAway()).toBe(NGHTTP2_ENHANCE_YOUR_CALM);
      await frames.raw.over();
      expect(await edge.metric('culvert_edge_http2_calmed_total')).toBe(1);
      await eventually(async () => (await edge.metric('culvert_edge_requests')) === 0);
    }
  });

  it('with streams that the edge must reset is told the same', async () => {
    const { frames, edge } = await withFrames();
    for (let at = 0; at < 400; at++) {
      frames.get(2 * at + 1).send(Frame.WindowUpdate, 0, 2 * at + 1, increment(0));
    }
    await frames.raw.over();
    expect([NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_PROTOCOL_ERROR, constants.NGHTTP2_INTERNAL_ERROR]).toContain(
      await frames.goAway(),
    );
    await eventually(async () => (await edge.metric('culvert_edge_requests')) === 0);
  });

  it('with streams that it gives up now and then goes on', async () => {
    const { frames, agent } = await withFrames();
    agent.serve = (stream) => void (stream.head.startsWith('GET /given-up') || stream.ok());
    const answers = () => frames.received.filter(({ type }) => type === Frame.Headers).length;
    for (let at = 0; at < 300; at++) {
      frames.get(4 * at + 1, withPseudo(':path', '/given-up'));
      frames.send(Frame.ResetStream, 0, 4 * at + 1, increment(constants.NGHTTP2_CANCEL));
      frames.get(4 * at + 3);
      await eventually(() => answers() === at + 1);
    }
    expect(frames.received.some(({ type }) => type === Frame.GoAway)).toBe(false);
  });

  it('with more streams than it may have is refused those', async () => {
    const { frames, agent } = await withFrames({ limits: { http2Streams: 3 } });
    for (const id of [1, 3, 5, 7]) frames.get(id);
    expect(await frames.reset(7)).toBe(NGHTTP2_REFUSED_STREAM);
    expect(agent.streams.length).toBeLessThanOrEqual(3);
  });

  it.each([
    [
      'a head that never ends',
      (frames: Http2Frames, at: number) =>
        at === 0
          ? frames.send(Frame.Headers, END_STREAM, 1, block(REQUEST))
          : frames.send(Frame.Continuation, 0, 1, block([[`x-${at}`, 'x'.repeat(1_000)]])),
    ],
    ['pings', (frames: Http2Frames) => frames.send(Frame.Ping, 0, 0, Buffer.alloc(8))],
    [
      'settings',
      (frames: Http2Frames) => frames.send(Frame.Settings, 0, 0, Buffer.from('000400001000', 'hex')),
    ],
  ])('with %s and reads nothing is cut', async (_, send) => {
    const { frames, edge } = await withFrames();
    const { socket } = frames.raw;
    socket.pause();
    let at = 0;
    await eventually(
      async () => {
        for (let n = 0; n < 2_000 && !socket.destroyed; n++) send(frames, at++);
        return (await edge.metric('culvert_edge_http2_connections')) === 0;
      },
      { timeoutMs: 20_000 },
    );
  });
});
