import { Agent, createServer, get as httpGet } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LinkRefusedError } from '@culvert/link';
import { eventually, freePort, recordingLogger, type LoggedLine } from '@culvert/testkit';
import { GoAwayCode, Kind, encodeEdges } from '@culvert/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { startAgent, type RunningAgent } from '../agent.ts';
import { agentSettings } from '../testing/agent-kit.ts';
import { get } from '../testing/attached-agent.ts';
import { EdgeDouble, TUNNEL, type EdgeDoubleOptions } from '../testing/edge-double.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function edgeOf(id: string, more: EdgeDoubleOptions = {}): Promise<EdgeDouble> {
  const edge = await EdgeDouble.start({ id, ...more });
  stops.push(() => edge.stop());
  return edge;
}

interface Started {
  readonly agent: RunningAgent;
  readonly lines: LoggedLine[];
  readonly refusals: LinkRefusedError[];
}

async function agentOf(
  edges: readonly string[],
  more: object = {},
  // Short delays, so that tests need not wait.
  random = () => 0.1,
): Promise<Started> {
  const lines: LoggedLine[] = [];
  const refusals: LinkRefusedError[] = [];
  const settings = agentSettings(edges, [{ service: 'http_status:200' }], {
    links: 4,
    drainTimeout: '2s',
    ...more,
  });
  const agent = await startAgent(settings, {
    logger: recordingLogger(lines),
    version: '1.2.3',
    random,
    onRefused: (error) => refusals.push(error),
  });
  stops.push(() => agent.drain());
  return { agent, lines, refusals };
}

const drained = { code: GoAwayCode.Draining, retryAfterMs: 0, text: 'draining' };

describe('an agent', () => {
  it('tells at its admin address which sessions its links belong to', async () => {
    const edges = await Promise.all(['a', 'b'].map((id) => edgeOf(id)));
    const addresses = edges.map(({ address }) => address);
    const { agent } = await agentOf(addresses, { links: 2, admin: { listen: '127.0.0.1:0' } });
    await eventually(() => agent.links === 2);
    const status = await (await fetch(`http://127.0.0.1:${agent.admin!.port}/status`)).json();
    const { tunnel, agent: self } = edges[0]!.hellos[0]!;
    expect(status).toMatchObject({ tunnel, agent: self });
    const { links } = status as { links: { edge: string; session: string; state: string }[] };
    expect(links.map(({ edge, state }) => `${edge} ${state}`).sort()).toEqual(['a attached', 'b attached']);
    expect(links.every(({ session }) => session !== '')).toBe(true);
  });

  it('says who it is, and is ready with its first link', async () => {
    const edge = await edgeOf('a');
    const { agent, lines } = await agentOf([edge.address], {
      links: 1,
      region: 'eu',
      claims: { hostnames: ['app.test'], ports: [7022] },
    });
    await agent.attached;
    expect(edge.hellos).toHaveLength(1);
    expect(edge.hellos[0]).toMatchObject({
      role: 'agent',
      tunnel: TUNNEL,
      token: 'secret-token',
      software: 'culvert/1.2.3',
      region: 'eu',
      claims: { hostnames: ['app.test'], ports: [7022] },
    });
    expect(lines.filter(({ msg }) => msg === 'ready')).toEqual([
      { level: 'info', msg: 'ready', tunnel: TUNNEL, edge: 'a' },
    ]);
    expect(JSON.stringify(lines)).not.toContain('secret-token');
  });

  it('keeps its links to two edges when it has been told of one', async () => {
    const b = await edgeOf('b');
    const a = await edgeOf('a', {
      edges: [{ id: 'a', region: 'eu', address: 'tcp://127.0.0.1:1' }, b.advertised],
    });
    const { agent } = await agentOf([a.address]);
    await eventually(() => a.links.length === 2 && b.links.length === 2 && agent.links === 4);
    expect(new Set([...a.hellos, ...b.hellos].map((hello) => hello.agent)).size).toBe(1);
    expect(new Set(a.hellos.map((hello) => hello.generation)).size).toBe(1);
  });

  it('moves links to an edge that it hears of later', async () => {
    const [a, b] = [await edgeOf('a'), await edgeOf('b')];
    await agentOf([a.address]);
    await eventually(() => a.links.length === 4);
    a.links[0]!.sendControl(Kind.Edges, encodeEdges([a.advertised, b.advertised]));
    await eventually(() => a.links.length === 2 && b.links.length === 2);
  });

  it('with one link stays at the address that it was given', async () => {
    const b = await edgeOf('b');
    const a = await edgeOf('a', { edges: [b.advertised] });
    const { agent } = await agentOf([a.address], { links: 1 });
    await agent.attached;
    a.links[0]!.sendControl(Kind.Edges, encodeEdges([b.advertised]));
    const answer = a.request(get());
    await eventually(() => answer.over);
    expect(a.links).toHaveLength(1);
    expect(b.hellos).toHaveLength(0);
  });

  it('comes back with a newer generation when an edge was lost', async () => {
    const a = await edgeOf('a');
    const { agent } = await agentOf([a.address]);
    await eventually(() => a.links.length === 4);
    const { port } = a;
    await a.stop();
    await eventually(() => agent.links === 0);
    const again = await edgeOf('a', { port });
    await eventually(() => again.links.length === 4);
    expect(again.hellos[0]!.generation).toBeGreaterThan(a.hellos[0]!.generation);
  });

  it('takes its links elsewhere while an edge is away, and shares them again when it is back', async () => {
    const [a, b] = [await edgeOf('a'), await edgeOf('b')];
    await agentOf([a.address, b.address]);
    await eventually(() => a.links.length === 2 && b.links.length === 2);
    const { port } = b;
    await b.stop();
    await eventually(() => a.links.length === 4);
    const back = await edgeOf('b', { port });
    await eventually(() => a.links.length === 2 && back.links.length === 2);
  });

  it('replaces the links of a draining edge before it lets go of them', async () => {
    let drains = false;
    const a = await edgeOf('a', { refuse: () => (drains ? drained : undefined) });
    const b = await edgeOf('b');
    const { agent } = await agentOf([a.address, b.address]);
    await eventually(() => a.links.length === 2 && b.links.length === 2);
    const running = a.request('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\n', { open: true });
    await eventually(() => running.ended);
    const held = [...a.links];
    drains = true;
    for (const link of held) link.goAway(drained);
    await eventually(() => b.links.length === 4 && agent.links >= 4);
    running.send('abc', true);
    await eventually(() => held.every((link) => link.closed));
  });

  it('attaches to the successor of its only edge while the old link still finishes its work', async () => {
    const a = await edgeOf('a');
    const { agent } = await agentOf([a.address], { links: 1 });
    await agent.attached;
    const running = a.request('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\n', { open: true });
    await eventually(() => running.ended);
    const [held] = a.links;
    held!.goAway(drained);
    await eventually(() => a.links.length === 2 && agent.links === 1);
    expect(held!.closed).toBe(false);
    running.send('abc', true);
    await eventually(() => held!.closed);
    expect(agent.links).toBe(1);
  });

  it('finds an edge that refuses because it drains again once it does not, although nobody tells', async () => {
    let refused = 0;
    const draining = () => (++refused < 4 ? drained : undefined);
    const a = await edgeOf('a', { refuse: draining });
    const { agent, lines } = await agentOf([a.address], { links: 2 });
    await eventually(() => agent.links === 2);
    expect(lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
  });

  it('dials the others at once when the edge of its last link asks it to move, however long they were away', async () => {
    const a = await edgeOf('a');
    const port = await freePort();
    const { lines } = await agentOf([a.address, `127.0.0.1:${port}`], { links: 2 }, () => 0.99);
    const failures = () => lines.filter(({ msg }) => msg === 'edge unreachable').length;
    await eventually(() => failures() === 4 && a.links.length === 2, { timeoutMs: 15_000 });
    // The next dial is 4 s away.
    const b = await edgeOf('b', { port });
    const asked = performance.now();
    for (const link of [...a.links]) link.goAway(drained);
    await eventually(() => b.links.length > 0);
    expect(performance.now() - asked).toBeLessThan(2_000);
  }, 20_000);

  it('says in one line why it is refused, and leaves the edge alone for a while', async () => {
    const refuse = () => ({
      code: GoAwayCode.Unauthorized,
      text: 'the token does not open this tunnel',
      retryAfterMs: 0,
    });
    const a = await edgeOf('a', { refuse });
    const { lines, refusals } = await agentOf([a.address]);
    await eventually(() => refusals.length === 1);
    expect(lines.filter(({ level }) => level === 'error')).toEqual([
      {
        level: 'error',
        msg: 'edge refused the link',
        address: `tcp://${a.address}`,
        code: 'unauthorized',
        text: 'the token does not open this tunnel',
        retryInMs: 48_000,
      },
    ]);
    expect(a.hellos).toHaveLength(1);
  });

  it('comes again soon, but not sooner than it was asked to, when the refusal may pass', async () => {
    let refusedAt = 0;
    const refuse = () => {
      if (refusedAt !== 0) return undefined;
      refusedAt = performance.now();
      return { code: GoAwayCode.Busy, text: 'too many', retryAfterMs: 300 };
    };
    const a = await edgeOf('a', { refuse });
    const { agent } = await agentOf([a.address]);
    await agent.attached;
    expect(performance.now() - refusedAt).toBeGreaterThanOrEqual(299);
  });

  it('tries another edge when one cannot be reached, and says so once', async () => {
    const b = await edgeOf('b');
    const dead = `127.0.0.1:${await freePort()}`;
    const { lines } = await agentOf([dead, b.address]);
    await eventually(() => b.links.length === 4);
    const warnings = lines.filter(({ msg, level }) => msg === 'edge unreachable' && level === 'warn');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.['address']).toBe(`tcp://${dead}`);
    expect(warnings[0]?.['reason']).toContain('ECONNREFUSED');
  });

  it('warns once of an edge that it reaches in clear over a network', async () => {
    const { lines } = await agentOf(['tcp://edge.invalid:7000'], { links: 1 });
    expect(lines.filter(({ level }) => level === 'warn').slice(0, 1)).toMatchObject([
      { msg: 'token and traffic cross the network in clear', edge: 'tcp://edge.invalid:7000' },
    ]);
  });
});

describe('a drain', () => {
  it('takes nothing new, lets what runs finish, and then closes everything', async () => {
    const waiting: (() => void)[] = [];
    const server = createServer((_request, response) => waiting.push(() => response.end('done')));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    stops.push(async () => void server.close());
    const a = await edgeOf('a');
    const ingress = [{ service: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }];
    const { agent } = await agentOf([a.address], { links: 1, ingress });
    await agent.attached;
    const running = a.request(get());
    await eventually(() => waiting.length === 1);
    const link = a.links[0]!;
    const over = agent.drain();
    await eventually(() => a.goAways.length === 1);
    expect(a.goAways[0]!.code).toBe(GoAwayCode.Leaving);
    expect(link.available).toBe(false);
    waiting[0]!();
    await over;
    await eventually(() => running.over && link.closed);
    expect(running.text).toBe('done');
    await agent.closed;
    await eventually(() => agent.counters.upstreamOpen === 0);
  });

  it('ends with its time although something still runs', async () => {
    const server = createServer(() => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    stops.push(async () => {
      server.closeAllConnections();
      server.close();
    });
    const a = await edgeOf('a');
    const ingress = [{ service: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }];
    const { agent } = await agentOf([a.address], { links: 1, ingress, drainTimeout: '200ms' });
    await agent.attached;
    const running = a.request(get());
    await eventually(() => agent.counters.requestsOpen === 1);
    await agent.drain();
    await eventually(() => running.over);
    expect(running.reset).toBeDefined();
    await eventually(() => agent.counters.upstreamOpen === 0);
  });

  it('while no edge can be reached ends at once', async () => {
    const { agent } = await agentOf([`127.0.0.1:${await freePort()}`]);
    await agent.drain();
    expect(agent.links).toBe(0);
  });
});

describe('the admin address', () => {
  it('tells whether the agent is attached, and what it counts', async () => {
    const a = await edgeOf('a');
    const { agent } = await agentOf([a.address], { links: 1, admin: { listen: '127.0.0.1:0' } });
    await agent.attached;
    expect(await fetchText(agent, '/readyz')).toEqual([200, 'ok\n']);
    const answer = a.request(get());
    await eventually(() => answer.over);
    const [, metrics] = await fetchText(agent, '/metrics');
    expect(metrics).toContain('culvert_agent_links{state="attached"} 1');
    await a.stop();
    await eventually(() => agent.links === 0);
    expect(await fetchText(agent, '/readyz')).toEqual([503, 'no link to any edge\n']);
  });
});

function fetchText(agent: RunningAgent, path: string): Promise<readonly [number | undefined, string]> {
  const { host = '', port = 0 } = agent.admin ?? {};
  return new Promise((resolve, reject) => {
    httpGet({ host, port, path, agent: new Agent({ keepAlive: false }) }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve([response.statusCode, text]));
    }).on('error', reject);
  });
}
