import { TcpProxy, eventually } from '@culvert/testkit';
import { GoAwayCode, ResetCode } from '@culvert/wire';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AgentDouble } from '../testing/agent-double.ts';
import { startInstallation } from '../testing/edge-kit.ts';
import type { StreamDouble } from '../testing/stream-double.ts';

/** An edge with so many agents, and a client. */
const startWithAgents = async (count: number) => {
  const installation = await startInstallation();
  const agents: AgentDouble[] = [];
  for (let at = 0; at < count; at++) agents.push(await installation.edge.attach());
  const client = await installation.edge.connect();
  const streams = (): StreamDouble[] => agents.flatMap((agent) => agent.streams);
  /** The first stream anywhere, and the agent that has it. */
  const first = () => eventually(() => agents.find((agent) => agent.streams.length > 0));
  return { ...installation, agents, client, streams, first };
};
const lose = (agent: AgentDouble): void => agent.link.close(GoAwayCode.Leaving, 'lost');

describe('sessions of one tunnel', () => {
  it('take requests in turn', async () => {
    const { client, agents } = await startWithAgents(3);
    for (const agent of agents) agent.serve = (stream) => void stream.ok();
    for (let at = 0; at < 9; at++) await client.request().response();
    expect(agents.map((agent) => agent.streams.length)).toEqual([3, 3, 3]);
  });
});

describe('a request that was not delivered', () => {
  it.each([ResetCode.NotDelivered, ResetCode.Refused, ResetCode.Busy])(
    '(code %i) goes to another session, whatever its method',
    async (code) => {
      const { client, agents, streams, edge } = await startWithAgents(3);
      for (const agent of agents) {
        agent.serve = (stream) => (streams().length < 3 ? code : void stream.ok('third'));
      }
      client.request('POST /', ['Content-Length: 4'], 'body');
      expect((await client.response()).body).toBe('third');
      expect(agents.map((agent) => agent.streams.length)).toEqual([1, 1, 1]);
      expect(streams().filter((stream) => stream.text === 'body')).toHaveLength(1);
      expect(await edge.metric('culvert_edge_retries_total')).toBe(2);
    },
  );

  it('is told to be too much only where an agent said so, whatever others said', async () => {
    const { client, agents, streams } = await startWithAgents(2);
    const { Busy, Refused, NotDelivered } = ResetCode;
    const said = async (...codes: readonly [number, number]): Promise<string | undefined> => {
      const before = streams().length;
      for (const agent of agents) agent.serve = () => codes[streams().length - before - 1]!;
      return (await client.request().response()).fields['x-culvert-error'];
    };
    expect(await said(Busy, Busy)).toBe('overloaded');
    expect(await said(Busy, Refused)).toBe('overloaded');
    expect(await said(Refused, Busy)).toBe('overloaded');
    expect(await said(Refused, Refused)).toBe('no_agent');
    expect(await said(NotDelivered, Busy)).toBe('upstream_unreachable');
  });

  it('is tried three times and no more', async () => {
    const { client, agents, streams } = await startWithAgents(5);
    for (const agent of agents) agent.serve = () => ResetCode.NotDelivered;
    expect((await client.request().response()).fields['x-culvert-error']).toBe('upstream_unreachable');
    expect(streams()).toHaveLength(3);
  });

  it('is not sent again when more of its body is gone than was kept', async () => {
    const { client, agents, streams, first } = await startWithAgents(2);
    client.request('PUT /', ['Content-Length: 200000'], 'x'.repeat(150_000));
    const [stream] = (await first()).streams;
    await eventually(() => stream!.bytes >= 65_536);
    await eventually(() => stream!.bytes === 150_000);
    stream!.stream.reset(ResetCode.NotDelivered, '');
    expect((await client.response()).status).toBe(502);
    expect(streams()).toHaveLength(1);
    expect(agents).toHaveLength(2);
  });
});

describe('a request whose link was lost', () => {
  it.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])('is sent again when it is %s', async (method) => {
    const { client, agents, first } = await startWithAgents(2);
    client.request(`${method} /`);
    const lost = await first();
    const other = agents.find((agent) => agent !== lost)!;
    lose(lost);
    (await other.next()).ok('');
    expect((await client.response('without body')).status).toBe(200);
  });

  it.each(['POST', 'PATCH', 'LOCK'])('is not sent again when it is %s', async (method) => {
    const { client, streams, first } = await startWithAgents(2);
    client.request(`${method} /`, ['Content-Length: 0']);
    lose(await first());
    const response = await client.response();
    expect([response.status, response.fields['x-culvert-error']]).toEqual([502, 'agent_lost']);
    expect(streams()).toHaveLength(1);
  });

  it('is sent again with the same body, byte for byte, and what comes after it', async () => {
    const { client, agents, first } = await startWithAgents(2);
    const bytes = Buffer.from(Uint8Array.from({ length: 30_000 }, (_, at) => (at * 7) & 0xff)).toString(
      'latin1',
    );
    client.request('PUT /', ['Transfer-Encoding: chunked'], `${(30_000).toString(16)}\r\n${bytes}\r\n`);
    const lost = await first();
    await eventually(() => lost.streams[0]!.bytes === 30_000);
    lose(lost);
    const again = await agents.find((agent) => agent !== lost)!.next();
    await eventually(() => again.bytes === 30_000);
    client.send('4\r\nmore\r\n0\r\nX-Sum: 1\r\n\r\n');
    await again.whole();
    expect(again.text === `${bytes}more`).toBe(true);
    expect(again.trailers).toBe('X-Sum: 1\r\n');
    again.ok();
    expect((await client.response()).status).toBe(200);
  });

  it('is not sent again once a byte of the response has come; the client sees a reset', async () => {
    const { client, streams, first } = await startWithAgents(2);
    client.request();
    const lost = await first();
    lost.streams[0]!.answer('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked', 'hello', 'more');
    await client.hear('hello');
    lose(lost);
    expect(await client.over()).toBe('by reset');
    expect(client.text).toMatch(/hello\r\n$/);
    expect(streams()).toHaveLength(1);
  });

  it('is not sent again once an interim response has come', async () => {
    const { client, streams, first } = await startWithAgents(2);
    client.request();
    const lost = await first();
    lost.streams[0]!.answer('HTTP/1.1 103 Early Hints', '', 'more');
    expect((await client.response()).status).toBe(103);
    lose(lost);
    expect((await client.response()).fields['x-culvert-error']).toBe('agent_lost');
    expect(streams()).toHaveLength(1);
  });

  it('goes to another link of the same agent when there is no other agent', async () => {
    const { edge, client, agents, first } = await startWithAgents(1);
    const { agent, generation } = agents[0]!.hello;
    agents.push(await edge.attach({ agent, generation }));
    client.request();
    const lost = await first();
    lose(lost);
    (await agents.find((link) => link !== lost)!.next()).ok('through the other link');
    expect((await client.response()).body).toBe('through the other link');
  });

  it('has nowhere to go when it was the only one', async () => {
    const { client, first } = await startWithAgents(1);
    client.request();
    lose(await first());
    expect((await client.response()).fields['x-culvert-error']).toBe('agent_lost');
  });
});

describe('a stream that nobody acknowledges', () => {
  it('is tried elsewhere after a second, and reset where it was', async () => {
    const { client, agents, streams } = await startWithAgents(2);
    for (const agent of agents) {
      agent.serve = (stream) => {
        if (streams().length === 1) stream.stream.acknowledgesItself = false;
        else stream.ok('elsewhere');
      };
    }
    const started = performance.now();
    expect((await client.request().response()).body).toBe('elsewhere');
    expect(performance.now() - started).toBeGreaterThan(800);
    expect((await eventually(() => streams().find((stream) => stream.reset)))?.reset?.code).toBe(
      ResetCode.Cancelled,
    );
  });

  it('stays where it is when it may not be repeated, and may still be answered', async () => {
    const { client, agents, streams, first } = await startWithAgents(2);
    for (const agent of agents) agent.serve = (stream) => void (stream.stream.acknowledgesItself = false);
    client.request('POST /', ['Content-Length: 0']);
    const stream = (await first()).streams[0]!;
    await eventually(() => stream.stream.ticks > 12);
    stream.ok('late');
    expect((await client.response()).body).toBe('late');
    expect(streams()).toHaveLength(1);
  });

  it('is none when the agent has had it for long and the request still comes', async () => {
    const { client, streams, first } = await startWithAgents(2);
    client.request('PUT /', ['Content-Length: 3'], 'a');
    const stream = (await first()).streams[0]!;
    client.send('b');
    await eventually(() => stream.stream.ticks > 12);
    expect(stream.reset).toBeUndefined();
    client.send('c');
    (await stream.whole()).ok('once');
    expect((await client.response()).body).toBe('once');
    expect(streams()).toHaveLength(1);
  });

  it('goes to another link of the same agent when there is no other agent', async () => {
    const { edge, client, agents, streams } = await startWithAgents(1);
    const { agent, generation } = agents[0]!.hello;
    agents.push(await edge.attach({ agent, generation }));
    const silent = new Set<AgentDouble>();
    for (const link of agents) {
      link.serve = (stream) => {
        if (streams().length === 1) silent.add(link);
        if (silent.has(link)) stream.stream.acknowledgesItself = false;
        else stream.ok('by the other link');
      };
    }
    expect((await client.request().response()).body).toBe('by the other link');
  });

  it('stays where it is when there is no other session', async () => {
    const { client, agents, streams, first } = await startWithAgents(1);
    agents[0]!.serve = (stream) => void (stream.stream.acknowledgesItself = false);
    client.request();
    const stream = (await first()).streams[0]!;
    await eventually(() => stream.stream.ticks > 12);
    stream.ok('late');
    expect((await client.response()).body).toBe('late');
    expect(streams()).toHaveLength(1);
  });
});

describe('an agent that has gone silent', () => {
  it('is met by one link only, once, while there is another agent', async () => {
    const { edge, agents, client } = await startWithAgents(1);
    agents[0]!.serve = (stream) => void stream.ok('well');
    const path = await TcpProxy.start({ host: '127.0.0.1', port: edge.agentsPort });
    onTestFinished(() => path.stop());
    const silent = await AgentDouble.attach(path.port);
    const { agent, generation } = silent.hello;
    for (let links = 1; links < 4; links++) await AgentDouble.attach(path.port, { agent, generation });
    path.blackHole();
    for (let at = 0; at < 8; at++) expect((await client.request().response()).body).toBe('well');
    expect(await edge.metric('culvert_edge_retries_total')).toBe(1);
  });
});

describe('a request whose service broke the connection before it answered', () => {
  it.each(['GET', 'PUT', 'DELETE'])('is sent again, once, when it is %s', async (method) => {
    const { client, agents, streams } = await startWithAgents(3);
    for (const agent of agents) {
      agent.serve = (stream) => (streams().length === 1 ? ResetCode.UpstreamLost : void stream.ok('again'));
    }
    expect((await client.request(`${method} /`).response()).body).toBe('again');
    for (const agent of agents) agent.serve = () => ResetCode.UpstreamLost;
    expect((await client.request(`${method} /`).response()).status).toBe(502);
    expect(streams()).toHaveLength(4);
  });

  it.each(['POST', 'PATCH'])('is not sent again when it is %s', async (method) => {
    const { client, agents, streams } = await startWithAgents(2);
    for (const agent of agents) agent.serve = () => ResetCode.UpstreamLost;
    expect((await client.request(`${method} /`, ['Content-Length: 0']).response()).status).toBe(502);
    expect(streams()).toHaveLength(1);
  });
});

describe('an agent whose service cannot be reached', () => {
  it('is passed over from the first failure on, whatever the method, and nobody notices', async () => {
    const { edge, client, agents } = await startWithAgents(2);
    agents[0]!.serve = () => ResetCode.NotDelivered;
    agents[1]!.serve = (stream) => void stream.ok();
    for (let at = 0; at < 20; at++) {
      const response = await client.request('POST /', ['Content-Length: 4'], 'body').response();
      expect(response.status).toBe(200);
    }
    expect(agents.map((agent) => agent.streams.length)).toEqual([1, 20]);
    expect(await edge.metric('culvert_edge_ejections_total')).toBe(1);
    expect(await edge.metric('culvert_edge_sessions_set_aside')).toBe(1);
    const { agent } = agents[0]!.hello;
    expect(edge.lines.filter(({ msg }) => msg === 'session set aside')).toMatchObject([{ agent }]);
  });

  it('is tried all the same when all have failed, and serves again as soon as its service does', async () => {
    const { edge, client, agents } = await startWithAgents(2);
    for (const agent of agents) agent.serve = () => ResetCode.NotDelivered;
    for (let at = 0; at < 3; at++) {
      const response = await client.request().response();
      expect(response.fields['x-culvert-error']).toBe('upstream_unreachable');
    }
    expect(agents.map((agent) => agent.streams.length)).toEqual([3, 3]);
    expect(await edge.metric('culvert_edge_ejections_total')).toBe(2);
    agents[0]!.serve = (stream) => void stream.ok('back');
    for (let at = 0; at < 5; at++) expect((await client.request().response()).body).toBe('back');
    expect(agents[1]!.streams.length).toBeLessThan(5);
  });

  it('is not one whose service only answers badly now and then', async () => {
    const { edge, client, agents } = await startWithAgents(2);
    for (const agent of agents) {
      agent.serve = (stream) => {
        if (agent.streams.length % 2 === 0) return ResetCode.UpstreamLost;
        return void stream.ok();
      };
    }
    for (let at = 0; at < 40; at++) await client.request('POST /', ['Content-Length: 0']).response();
    expect(agents.map((agent) => agent.streams.length)).toEqual([20, 20]);
    expect(await edge.metric('culvert_edge_ejections_total')).toBe(0);
  });

  it('is one whose service breaks every request, five times in a row', async () => {
    const { client, agents } = await startWithAgents(2);
    agents[0]!.serve = () => ResetCode.UpstreamLost;
    agents[1]!.serve = (stream) => void stream.ok();
    const statuses: number[] = [];
    for (let at = 0; at < 40; at++) {
      statuses.push((await client.request('POST /', ['Content-Length: 0']).response()).status);
    }
    expect(statuses.filter((status) => status !== 200)).toHaveLength(5);
    expect(agents[0]!.streams).toHaveLength(5);
  });
});

describe('by the fewest streams', () => {
  it('requests go where the least is under way', async () => {
    const { edge } = await startInstallation({ balance: 'leastStreams' });
    const agents = [await edge.attach(), await edge.attach()];
    const busy = await edge.connect();
    busy.request('GET /slow');
    const slow = await eventually(() => agents.find((agent) => agent.streams.length > 0));
    const other = agents.find((agent) => agent !== slow)!;
    other.serve = (stream) => void stream.ok();
    const client = await edge.connect();
    for (let at = 0; at < 10; at++) expect((await client.request().response()).status).toBe(200);
    expect([slow.streams.length, other.streams.length]).toEqual([1, 10]);
  });
});

it('a link that takes no streams is left out', async () => {
  const { client, agents } = await startWithAgents(2);
  for (const agent of agents) agent.serve = (stream) => void stream.ok();
  agents[0]!.link.goAway({ code: GoAwayCode.Leaving, retryAfterMs: 0, text: 'leaving' });
  await eventually(() => agents[0]!.end);
  for (let at = 0; at < 4; at++) expect((await client.request().response()).status).toBe(200);
  expect(agents.map((agent) => agent.streams.length)).toEqual([0, 4]);
});
