import { eventually } from '@culvert/testkit';
import { ResetCode } from '@culvert/wire';
import { describe, expect, it } from 'vitest';
import { startWithAgent } from '../testing/edge-kit.ts';

const ASK = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: abc'];
const SWITCH =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x';

const upgraded = async (more: object = {}) => {
  const parts = await startWithAgent(more);
  parts.client.request('GET /chat', ASK);
  const stream = await parts.agent.next();
  stream.answer(SWITCH, '', 'more');
  const response = await parts.client.response();
  expect(response.status).toBe(101);
  return { ...parts, stream, response };
};

describe('an upgrade', () => {
  it('reaches the service as it was asked for, and its answer the client', async () => {
    const { stream, response } = await upgraded();
    expect(stream.head).toContain('Connection: Upgrade\r\nUpgrade: websocket\r\n');
    expect(stream.head).toContain('Sec-WebSocket-Key: abc\r\n');
    expect(response.fields).toEqual({
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-accept': 'x',
    });
  });

  it('makes raw bytes of both directions', async () => {
    const { client, stream } = await upgraded();
    client.send('up');
    await eventually(() => stream.text === 'up');
    stream.send('down');
    await client.hear('down');
    client.send(' again');
    await eventually(() => stream.text === 'up again');
  });

  it('loses no byte that came along with either head', async () => {
    const { client, agent } = await startWithAgent();
    client.send(`GET /chat HTTP/1.1\r\nHost: app.test\r\n${ASK.join('\r\n')}\r\n\r\nearly up`);
    const stream = await agent.next();
    stream.answer(SWITCH, 'early down', 'more');
    await client.hear('\r\n\r\nearly down');
    await eventually(() => stream.text === 'early up');
    expect(client.text.match(/HTTP/g)).toHaveLength(1);
  });

  it('carries the end of the client’s direction while the other goes on', async () => {
    const { client, stream } = await upgraded();
    client.send('last words');
    client.socket.end();
    await stream.whole();
    expect(stream.text).toBe('last words');
    stream.send('still here', 'last');
    await client.hear('still here');
    expect(await client.over()).toBe('cleanly');
  });

  it('carries the end of the service’s direction while the other goes on', async () => {
    const { client, stream } = await upgraded();
    stream.send('bye', 'last');
    await eventually(() => client.ended);
    client.send('wait');
    await eventually(() => stream.text === 'wait');
    client.socket.end();
    await stream.whole();
  });

  it('whose service ends and breaks off at once leaves no connection behind', async () => {
    const { edge, stream } = await upgraded();
    expect(await edge.metric('culvert_edge_connections')).toBe(1);
    stream.stream.sendEnd();
    stream.stream.reset(ResetCode.UpstreamLost, 'broken off');
    await eventually(async () => (await edge.metric('culvert_edge_connections')) === 0);
  });

  it('resets its stream when the client goes, and the client when its stream is reset', async () => {
    const first = await upgraded();
    first.client.socket.resetAndDestroy();
    await eventually(() => first.stream.reset);
    const second = await upgraded();
    second.stream.stream.reset(ResetCode.UpstreamLost, 'gone');
    expect(await second.client.over()).toBe('by reset');
  });

  it('is cut when nothing moves for too long', async () => {
    const { client, stream } = await upgraded({ timeouts: { tunnelIdle: '200ms' } });
    expect(await client.over()).toBe('by reset');
    await eventually(() => stream.reset);
  });

  it('that the service declines is an ordinary exchange on a kept connection', async () => {
    const { client, agent } = await startWithAgent();
    client.request('GET /chat', ASK);
    const declined = await agent.next();
    const required = 'Connection: Upgrade\r\nUpgrade: other';
    declined.answer(`HTTP/1.1 426 Upgrade Required\r\n${required}\r\nContent-Length: 2`, 'no');
    const response = await client.response();
    expect([response.status, response.body]).toEqual([426, 'no']);
    expect(response.fields).toMatchObject({ connection: 'Upgrade', upgrade: 'other' });
    await declined.whole();
    expect(declined.reset).toBeUndefined();
    client.request('GET /plain');
    (await agent.next()).ok('plain');
    expect((await client.response()).body).toBe('plain');
    await eventually(() => agent.link.openStreams === 0);
  });

  it('to something that was not asked for is answered for with 502', async () => {
    const { client, agent } = await startWithAgent();
    client.request('GET /chat', ASK);
    (await agent.next()).answer(SWITCH.replace('Upgrade: websocket', 'Upgrade: h2c'), '', 'more');
    expect((await client.response()).fields['x-culvert-error']).toBe('upstream_protocol');
  });

  it('can be tried at another agent until it is answered', async () => {
    const { edge, client, agent } = await startWithAgent();
    const other = await edge.attach();
    for (const each of [agent, other]) {
      each.serve = (stream) => {
        if (agent.streams.length + other.streams.length === 1) return ResetCode.NotDelivered;
        return void stream.answer(SWITCH, '', 'more');
      };
    }
    client.request('GET /chat', ASK);
    expect((await client.response()).status).toBe(101);
    client.send('up');
    await eventually(() => [...agent.streams, ...other.streams].some((stream) => stream.text === 'up'));
  });

  it('of an HTTP/1.0 client is not asked for', async () => {
    const { client, agent } = await startWithAgent();
    client.send(`GET /chat HTTP/1.0\r\nHost: app.test\r\n${ASK.join('\r\n')}\r\n\r\n`);
    expect((await agent.next()).head).not.toContain('Upgrade:');
  });
});
