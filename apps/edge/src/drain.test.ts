import { eventually, freePort } from '@culvert/testkit';
import { GoAwayCode } from '@culvert/wire';
import { describe, expect, it } from 'vitest';
import { LinkRefusedError } from '@culvert/link';
import { startWithAgent } from './testing/edge-kit.ts';
import { fill } from './testing/fill.ts';
import { RawClient } from './testing/raw-client.ts';
import { TUNNEL } from './testing/router-double.ts';

const SLOWLY = { admin: { listen: '127.0.0.1:0' }, drainDelay: '400ms', drainTimeout: '10s' };
const readiness = async (port: number): Promise<number> =>
  (await fetch(`http://127.0.0.1:${port}/readyz`)).status;

describe('an edge that drains', () => {
  it('is not ready from the first moment, and takes work until its delay is over', async () => {
    const { edge, agent, client, router } = await startWithAgent(SLOWLY);
    agent.serve = (stream) => void stream.ok();
    expect(await readiness(edge.adminPort)).toBe(200);
    const drained = edge.running.drain();
    expect(await readiness(edge.adminPort)).toBe(503);
    const late = await edge.connect();
    expect([(await client.request().response()).status, (await late.request().response()).status]).toEqual([
      200, 200,
    ]);
    await eventually(() => router.leases.some(({ draining }) => draining));
    await drained;
    expect((await RawClient.connect(edge.httpPort)).socket.errored).toMatchObject({ code: 'ECONNREFUSED' });
    expect(router.byes).toHaveLength(1);
  });

  it('tells its agents at once, and admits no others', async () => {
    const { edge, agent } = await startWithAgent(SLOWLY);
    const drained = edge.running.drain();
    await eventually(() => agent.goAways[0]?.code === GoAwayCode.Draining);
    const failure = await edge.attach().catch((error: unknown) => error);
    expect(failure instanceof LinkRefusedError && failure.goAway.code).toBe(GoAwayCode.Draining);
    await drained;
    await eventually(() => agent.end);
  });

  it('lets running requests finish, closes their connections after them, and idle ones at once', async () => {
    const { edge, agent, client } = await startWithAgent({ ...SLOWLY, drainDelay: '0s' });
    const [idle, begun] = [await edge.connect(), await edge.connect()];
    idle.request();
    (await agent.next()).ok();
    await idle.response();
    client.request();
    const waiting = await agent.next();
    begun.request();
    const halfway = await agent.next();
    halfway.answer('HTTP/1.1 200 OK\r\nContent-Length: 10', 'hello', 'more');
    await begun.hear('hello');
    const drained = edge.running.drain();
    expect(await idle.over()).toBe('cleanly');
    waiting.ok('late');
    const response = await client.response();
    expect([response.body, response.fields['connection']]).toEqual(['late', 'close']);
    halfway.send('world', 'last');
    expect((await begun.response()).body).toBe('helloworld');
    expect([await client.over(), await begun.over()]).toEqual(['cleanly', 'cleanly']);
    await drained;
  });

  it('answers nothing on a connection that it has begun to close', async () => {
    const { edge, agent, client } = await startWithAgent({ ...SLOWLY, drainDelay: '0s', drainTimeout: '5s' });
    const busy = (await edge.connect()).request();
    const stream = await agent.next();
    agent.serve = (other) => void other.ok();
    await client.request().response();
    const drained = edge.running.drain();
    await eventually(() => client.ended);
    client.request('POST /too-late');
    expect(await client.over()).toBeDefined();
    expect(agent.streams.filter(({ head }) => head.startsWith('POST'))).toEqual([]);
    stream.ok();
    await busy.response();
    await drained;
  });

  it('waits until a slow client has taken all of its answer', async () => {
    const { edge, agent, client } = await startWithAgent({ ...SLOWLY, drainDelay: '0s' });
    client.socket.pause();
    client.request();
    const stream = await agent.next();
    stream.answer('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked', '', 'more');
    const sent = await fill(stream);
    stream.send('', 'last');
    await eventually(() => stream.stream.closed);
    const drained = edge.running.drain();
    const patience = performance.now() + 300;
    const stays = eventually(() => performance.now() > patience && 'stays');
    expect(await Promise.race([drained.then(() => 'leaves'), stays])).toBe('stays');
    client.socket.resume();
    expect((await client.response()).body).toHaveLength(sent);
    await drained;
  });

  it('lets raw connections finish', async () => {
    const port = await freePort();
    const { edge, agent, router } = await startWithAgent({ ...SLOWLY, drainDelay: '0s' });
    router.change([{ id: 'p', tunnel: TUNNEL, port }], { ports: true });
    await eventually(() => edge.lines.some(({ msg }) => msg === 'port route bound'));
    const client = await RawClient.connect(port);
    const stream = await agent.next();
    stream.send('hello');
    await client.hear('hello');
    const drained = edge.running.drain();
    client.send('still there');
    await eventually(() => stream.text === 'still there');
    stream.send(' bye', 'last');
    await client.hear('hello bye');
    expect(await client.over()).toBe('cleanly');
    await drained;
    expect((await RawClient.connect(port)).socket.errored).toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('cuts what is left when its time is over, once, however often it is asked', async () => {
    const { edge, agent, client } = await startWithAgent({
      ...SLOWLY,
      drainDelay: '0s',
      drainTimeout: '200ms',
    });
    client.request();
    const stream = await agent.next();
    const drained = edge.running.drain();
    expect(edge.running.drain()).toBe(drained);
    await drained;
    expect(await client.over()).toBeDefined();
    expect(client.text).toBe('');
    await eventually(() => stream.reset);
    await eventually(() => agent.end);
  });
});
