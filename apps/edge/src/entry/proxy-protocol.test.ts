import { eventually, freePort } from '@culvert/testkit';
import { describe, expect, it } from 'vitest';
import { startInstallation, startWithAgent } from '../testing/edge-kit.ts';
import { RawClient } from '../testing/raw-client.ts';
import { TUNNEL } from '../testing/router-double.ts';

const BEHIND = { trustedProxies: ['127.0.0.1'] };
const V1 = 'PROXY TCP4 203.0.113.9 198.51.100.2 4711 443\r\n';
const REQUEST = 'GET / HTTP/1.1\r\nHost: app.test\r\n\r\n';
const SIGNATURE = '\r\n\r\n\0\r\nQUIT\n';

function v2(command: 0x20 | 0x21, tlvs = ''): string {
  const addresses = [203, 0, 113, 9, 198, 51, 100, 2, 0x12, 0x67, 0x01, 0xbb];
  const body = String.fromCharCode(...addresses) + tlvs;
  return SIGNATURE + String.fromCharCode(command, 0x11, body.length >> 8, body.length & 0xff) + body;
}

const withPort = (port: string) => ({
  entryPoints: [{ listen: '127.0.0.1:0', proxyProtocol: port }],
  ...BEHIND,
});

describe('a header of the PROXY protocol from a trusted proxy', () => {
  it.each([
    ['version 1', V1],
    ['version 2', v2(0x21)],
    ['version 2 with TLVs', v2(0x21, '\xee\0\x03abc')],
  ])('of %s names the client', async (_, header) => {
    const { client, agent } = await startWithAgent(BEHIND);
    client.send(header + REQUEST);
    const { open, head } = await agent.next();
    expect(open.client).toBe('203.0.113.9:4711');
    expect(head).toContain('X-Forwarded-For: 203.0.113.9\r\n');
    expect(head).toContain('X-Forwarded-Port: 443\r\n');
    expect(head).toContain('X-Real-IP: 203.0.113.9\r\n');
  });

  it.each([
    ['LOCAL', v2(0x20)],
    ['UNKNOWN', 'PROXY UNKNOWN\r\n'],
  ])('that speaks for nobody, %s, leaves the proxy as the client', async (_, header) => {
    const { client, agent } = await startWithAgent(BEHIND);
    client.send(header + REQUEST);
    expect((await agent.next()).open.client).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  it('may come in single bytes, and what follows it arrives as it was sent', async () => {
    const { client, agent } = await startWithAgent(BEHIND);
    const body = 'b'.repeat(1_000);
    for (const byte of v2(0x21)) client.send(byte);
    client.request('POST /x', ['Content-Length: 1000'], body);
    const stream = await (await agent.next()).whole();
    expect(stream.text).toBe(body);
    expect(stream.head).toMatch(/^POST \/x HTTP\/1\.1\r\n/);
  });

  it('makes a stranger of the one that it names, whose claims are not believed', async () => {
    const { client, agent } = await startWithAgent(BEHIND);
    client.send(V1).request('GET /', ['X-Forwarded-For: 10.0.0.1']);
    expect((await agent.next()).head).toContain('X-Forwarded-For: 203.0.113.9\r\n');
  });

  it('may name another trusted proxy, whose X-Forwarded-For is then believed', async () => {
    const { client, agent } = await startWithAgent({ trustedProxies: ['127.0.0.0/8', '203.0.113.9'] });
    client.send(V1).request('GET /', ['X-Forwarded-For: 192.0.2.1']);
    const { open, head } = await agent.next();
    expect(open.client).toBe('192.0.2.1:0');
    expect(head).toContain('X-Forwarded-For: 192.0.2.1, 203.0.113.9\r\n');
  });

  it('comes once', async () => {
    const { client, edge } = await startWithAgent(BEHIND);
    client.send(V1 + V1 + REQUEST);
    await client.over();
    expect(client.text).toBe('');
    expect(await edge.metric('culvert_edge_garbage_total')).toBe(1);
  });

  it('and nothing behind it is a connection that says nothing', async () => {
    const { client, edge } = await startWithAgent({ ...BEHIND, timeouts: { sniff: '100ms' } });
    client.send(V1);
    expect(await client.over()).toBe('cleanly');
    expect(await edge.metric('culvert_edge_garbage_total')).toBe(0);
  });

  it('counts against the limit of the address that it names, not against that of the proxy', async () => {
    const { edge, agent } = await startWithAgent({ ...BEHIND, limits: { connectionsPerAddress: 1 } });
    agent.serve = (stream) => void stream.ok();
    const first = await edge.connect();
    expect((await first.send(V1 + REQUEST).response()).status).toBe(200);
    const second = await edge.connect();
    expect(await second.send(V1 + REQUEST).over()).toBe('by reset');
    const other = await edge.connect();
    const elsewhere = V1.replace('203.0.113.9', '203.0.113.10');
    expect((await other.send(elsewhere + REQUEST).response()).status).toBe(200);
    first.socket.destroy();
    await eventually(async () => {
      const again = (await edge.connect()).send(V1 + REQUEST);
      return await Promise.race([again.response().then(() => true), again.over().then(() => undefined)]);
    });
  });
});

describe('an entry point', () => {
  it.each([V1, v2(0x21)])('takes a header of a stranger for garbage', async (header) => {
    const { client, edge, agent } = await startWithAgent();
    client.send(header + REQUEST);
    await client.over();
    expect(client.text).toBe('');
    expect(agent.streams).toHaveLength(0);
    expect(await edge.metric('culvert_edge_garbage_total')).toBe(1);
  });

  it('with "off" takes one of a trusted proxy for garbage too', async () => {
    const { client, edge } = await startWithAgent(withPort('off'));
    client.send(V1 + REQUEST);
    await client.over();
    expect(await edge.metric('culvert_edge_garbage_total')).toBe(1);
  });

  it('with "require" takes nothing without a header', async () => {
    const { client, agent, edge } = await startWithAgent(withPort('require'));
    client.send(REQUEST);
    await client.over();
    expect(client.text).toBe('');
    expect(agent.streams).toHaveLength(0);
    const second = await edge.connect();
    second.send(V1 + REQUEST);
    expect((await agent.next()).open.client).toBe('203.0.113.9:4711');
  });
});

describe('a port route that requires a header', () => {
  const startWithPort = async (more: object) => {
    const port = await freePort();
    const installation = await startInstallation({ portRoutes: { proxyProtocol: 'require' }, ...more });
    installation.router.change([...installation.router.routes, { id: 'p', tunnel: TUNNEL, port }]);
    const agent = await installation.edge.attach();
    await eventually(() => installation.edge.lines.find(({ msg }) => msg === 'port route bound'));
    return { ...installation, agent, client: await RawClient.connect(port) };
  };

  it('passes on what comes behind it, with the client that it names', async () => {
    const { client, agent } = await startWithPort(BEHIND);
    const header = v2(0x21);
    client.send(header.slice(0, 20));
    client.send(`${header.slice(20)}hello`);
    const stream = await agent.next();
    expect(stream.open.client).toBe('203.0.113.9:4711');
    await eventually(() => stream.text === 'hello');
  });

  it.each([
    ['anything else', BEHIND, 'hello, this is no header at all'],
    ['a header of a stranger', {}, V1],
  ])('closes for %s', async (_, more, bytes) => {
    const { client, agent, edge } = await startWithPort(more);
    client.send(bytes);
    await client.over();
    expect(agent.streams).toHaveLength(0);
    expect(await edge.metric('culvert_edge_garbage_total')).toBe(1);
  });
});
