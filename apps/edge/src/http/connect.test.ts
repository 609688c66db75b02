import { eventually } from '@culvert/testkit';
import { Protocol, ResetCode } from '@culvert/wire';
import { describe, expect, it } from 'vitest';
import { startInstallation, startWithAgent } from '../testing/edge-kit.ts';

const OFFERED = { entryPoints: [{ listen: '127.0.0.1:0', connect: true }] };
const CONNECT = 'CONNECT App.test:22 HTTP/1.1\r\nHost: App.test:22\r\n\r\n';
const ESTABLISHED = 'HTTP/1.1 200 Connection established\r\n\r\n';

describe('CONNECT', () => {
  it('is refused where it is not offered', async () => {
    const { client } = await startWithAgent();
    client.send(CONNECT);
    expect((await client.response()).status).toBe(501);
    expect(await client.over()).toBe('cleanly');
  });

  it('opens a raw stream to the hostname, with what came behind the head and before the answer', async () => {
    const { client, agent } = await startWithAgent(OFFERED);
    client.send(`${CONNECT}SSH-2.0-x\r\n`);
    const double = await agent.next();
    expect(double.open).toMatchObject({ protocol: Protocol.Tcp, hostname: 'app.test', head: '' });
    await eventually(() => double.text === 'SSH-2.0-x\r\n');
    await eventually(() => client.text === ESTABLISHED);
    double.send('SSH-2.0-y\r\n');
    await eventually(() => client.text === `${ESTABLISHED}SSH-2.0-y\r\n`);
    client.send('more');
    await eventually(() => double.text === 'SSH-2.0-x\r\nmore');
  });

  it('is established before the first bytes of a service that speaks first', async () => {
    const { client, agent } = await startWithAgent(OFFERED);
    client.send(CONNECT);
    (await agent.next()).send('220 hello\r\n', 'last');
    await eventually(() => client.text === `${ESTABLISHED}220 hello\r\n`);
    await eventually(() => client.ended);
  });

  it.each([
    [ResetCode.NoRoute, 404, 'unknown_hostname'],
    [ResetCode.UpstreamLost, 502, 'upstream_unreachable'],
    [ResetCode.NotDelivered, 502, 'upstream_unreachable'],
  ])('that the agent resets with %i is answered %i', async (code, status, name) => {
    const { client, agent, edge } = await startWithAgent(OFFERED);
    agent.serve = () => code;
    client.send(CONNECT);
    const answer = await client.response();
    expect([answer.status, answer.fields['x-culvert-error']]).toEqual([status, name]);
    expect(await client.over()).toBe('cleanly');
    expect(await edge.metric('culvert_edge_refusals_total')).toBe(1);
  });

  it('to an unknown hostname, and where nobody serves, is answered', async () => {
    const { edge } = await startInstallation(OFFERED);
    const unknown = (await edge.connect()).send(CONNECT.replaceAll('App', 'other'));
    expect((await unknown.response()).status).toBe(404);
    const unserved = (await edge.connect()).send(CONNECT);
    expect((await unserved.response()).status).toBe(503);
  });

  it('that nobody takes in time is answered', async () => {
    const { client, router } = await startWithAgent({ ...OFFERED, timeouts: { firstByte: '200ms' } });
    router.onResolve = () => new Promise(() => undefined);
    client.send(CONNECT);
    expect((await client.response()).status).toBe(504);
  });
});
