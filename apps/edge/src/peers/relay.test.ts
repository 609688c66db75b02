import { setTimeout as wait } from 'node:timers/promises';
import { TcpProxy, eventually, freePort } from '@culvert/testkit';
import { poolOf } from '@culvert/signals';
import type { PoolInfo } from '@culvert/signals';
import { GoAwayCode, Protocol, ResetCode, packUuid } from '@culvert/wire';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { AgentDouble } from '../testing/agent-double.ts';
import { makeCertificate } from '../testing/certificate.ts';
import { startInstallation, startTestEdge } from '../testing/edge-kit.ts';
import type { TestEdge } from '../testing/edge-kit.ts';
import { patternedBytes } from '../testing/patterned-bytes.ts';
import { TUNNEL } from '../testing/router-double.ts';
import { StreamDouble } from '../testing/stream-double.ts';

const certificate = makeCertificate();
const SECRET = { secret: 'cluster-secret' };
const PEERS = { ...SECRET, peers: { listen: '127.0.0.1:0' } };

/** Two edges that relay to each other; the client is at the one, the agent at the other. */
async function startRegion(more: object = {}) {
  const { bus, router, edge: near } = await startInstallation({ ...PEERS, ...more });
  const far = await startTestEdge({ id: 'us-1', region: 'us', ...PEERS, ...more }, bus);
  const agent = await far.attach();
  return { bus, router, near, far, agent, client: await near.connect() };
}
const relayed = (edge: TestEdge) => edge.metric('culvert_edge_relayed_in_total');

describe('a request at an edge without a pool', () => {
  it('reaches an agent at another edge, marked as relayed, the client’s address kept', async () => {
    const { near, far, agent, client } = await startRegion();
    agent.serve = (stream) => void stream.ok('from afar');
    for (let at = 0; at < 3; at++) expect((await client.request('GET /x').response()).body).toBe('from afar');
    const { open } = agent.streams[0]!;
    expect(open).toMatchObject({ hops: 1, hostname: 'app.test' });
    expect(open.client).toBe(`127.0.0.1:${client.socket.localPort}`);
    expect(open.head).toMatch(/^GET \/x HTTP\/1\.1\r\nHost: app\.test\r\n/);
    expect([await near.metric('culvert_edge_relayed_out_total'), await relayed(far)]).toEqual([3, 3]);
    expect(await near.metric('culvert_edge_peer_links')).toBe(1);
  });

  it('brings bodies and trailers both ways', async () => {
    const { agent, client } = await startRegion();
    client.request('POST /', ['Transfer-Encoding: chunked'], '5\r\nhello\r\n0\r\nX-Up: 1\r\n\r\n');
    const stream = await (await agent.next()).whole();
    expect([stream.text, stream.trailers]).toEqual(['hello', 'X-Up: 1\r\n']);
    stream.answer('HTTP/1.1 103 Early Hints', '', 'more');
    stream
      .answer('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked', 'answer', 'more')
      .stream.sendTrailers('X-Down: 1\r\n');
    expect((await client.response()).status).toBe(103);
    const response = await client.response();
    expect([response.body, response.trailers]).toEqual(['answer', 'X-Down: 1\r\n']);
  });

  it('brings megabytes both ways, no faster than they are taken', async () => {
    const { agent, client } = await startRegion();
    const body = patternedBytes(3_000_000);
    agent.serve = (stream) => void (stream.takes = false);
    client.request('POST /', [`Content-Length: ${body.length}`]).send(body);
    const stream = await agent.next();
    await eventually(() => stream.bytes === 65_536);
    stream.takes = true;
    stream.take();
    await stream.whole();
    expect(Buffer.concat(stream.parts).equals(body)).toBe(true);
    stream.answer(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}`, body);
    const response = await client.response();
    expect(Buffer.from(response.body, 'latin1').equals(body)).toBe(true);
  });

  it('can be an upgrade, with early bytes and half-close', async () => {
    const { agent, client } = await startRegion();
    client.request('GET /', ['Connection: Upgrade', 'Upgrade: x'], 'early');
    const stream = await agent.next();
    stream.answer('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x', 'down', 'more');
    await client.hear('\r\n\r\ndown');
    client.send(' up');
    client.socket.end();
    await stream.whole();
    expect(stream.text).toBe('early up');
    stream.send(' after', 'last');
    await client.hear('down after');
    expect(await client.over()).toBe('cleanly');
  });

  it.each(['that drains', 'that drains while the other edge does, too'])(
    'as an upgraded connection is finished by an edge %s',
    async (which) => {
      const { near, far, agent, client } = await startRegion({ drainDelay: '0s', drainTimeout: '10s' });
      client.request('GET /', ['Connection: Upgrade', 'Upgrade: x']);
      const stream = await agent.next();
      stream.answer('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x', '', 'more');
      expect((await client.response()).status).toBe(101);
      if (which.includes('other')) void far.running.drain();
      const drained = near.running.drain().then(() => 'drained');
      // Longer than anything else holds a drain up.
      expect(await Promise.race([drained, wait(1_000, 'not yet')])).toBe('not yet');
      stream.send('the end', 'last');
      await client.hear('the end');
      client.socket.end();
      expect(await drained).toBe('drained');
    },
  );

  it('is reset at the agent at once when the client goes', async () => {
    const { agent, client } = await startRegion();
    client.request();
    const stream = await agent.next();
    client.socket.destroy();
    expect((await eventually(() => stream.reset)).code).toBe(ResetCode.Cancelled);
  });

  it('is asked again of the only edge, which another agent or process stands in for, when one there drains', async () => {
    const { agent, client } = await startRegion();
    agent.serve = (stream) => {
      if (agent.streams.length === 1) stream.stream.reset(ResetCode.Refused);
      else stream.ok('at the second asking');
    };
    expect((await client.request('POST /').response()).body).toBe('at the second asking');
  });

  it('is not asked for ever of an edge whose agents all drain', async () => {
    const { agent, client } = await startRegion();
    agent.serve = (stream) => stream.stream.reset(ResetCode.Refused);
    expect((await client.request().response()).fields['x-culvert-error']).toBe('no_agent');
    expect(agent.streams).toHaveLength(2);
  });

  it('goes by a new link to the only edge when the one before is lost, as to the process that follows there', async () => {
    const { bus, edge: near } = await startInstallation(PEERS);
    const place = { host: '127.0.0.1', port: await freePort() };
    const path = await TcpProxy.start(place);
    onTestFinished(() => path.stop());
    const peers = { listen: `127.0.0.1:${place.port}`, advertise: path.address };
    const far = await startTestEdge({ id: 'us-1', region: 'us', ...SECRET, peers }, bus);
    const agent = await far.attach();
    const client = await near.connect();
    client.request();
    (await agent.next()).ok();
    await client.response();
    // As long as answers to the first question may still come, there is a wait for them.
    await wait(400);
    client.request();
    await agent.next();
    path.reset();
    (await agent.next()).ok('by a new link');
    expect((await client.response()).body).toBe('by a new link');
  });

  it.each([
    ['may not be repeated', 'POST'],
    ['has nowhere else to go', 'GET'],
  ])('whose agent is lost %s is answered for with 502', async (_, method) => {
    const { agent, client } = await startRegion();
    client.request(`${method} /`);
    await agent.next();
    agent.link.close(GoAwayCode.Leaving, 'lost');
    expect((await client.response()).fields['x-culvert-error']).toBe('agent_lost');
  });

  // Without a length, the end of the connection would be the end of the answer.
  const framings = [['Transfer-Encoding: chunked'], ['Content-Length: 10'], []];
  it.each(
    (['service', 'agent', 'edge'] as const).flatMap((lost) =>
      framings.map((fields) => [lost, fields.join() || 'no length', fields] as const),
    ),
  )('whose %s is lost in the middle of the answer (%s) ends with a reset', async (lost, _, fields) => {
    const { far, agent, client } = await startRegion();
    client.request('GET /', ['Connection: close']);
    const stream = await agent.next();
    stream.answer(['HTTP/1.1 200 OK', ...fields].join('\r\n'), 'half', 'more');
    await client.hear('half');
    if (lost === 'service') stream.stream.reset(ResetCode.UpstreamLost, '');
    if (lost === 'agent') agent.link.close(GoAwayCode.Leaving, 'lost');
    if (lost === 'edge') await far.running.drain();
    expect(await client.over()).toBe('by reset');
  });

  it('goes to another edge when it was not delivered there', async () => {
    const { bus, agent, client } = await startRegion();
    const third = await startTestEdge({ id: 'ap-1', region: 'ap', ...PEERS }, bus);
    const other = await third.attach();
    for (const each of [agent, other]) {
      each.serve = (stream) =>
        agent.streams.length + other.streams.length === 1 ? ResetCode.NotDelivered : void stream.ok('second');
    }
    client.request('POST /', ['Content-Length: 4'], 'body');
    expect((await client.response()).body).toBe('second');
  });

  it('and all that follow go to another edge when no agent here can reach its service', async () => {
    const { near, agent, client } = await startRegion();
    const local = await near.attach();
    local.serve = () => ResetCode.NotDelivered;
    agent.serve = (stream) => void stream.ok('from afar');
    for (let at = 0; at < 10; at++) {
      expect((await client.request('POST /', ['Content-Length: 4'], 'body').response()).body).toBe(
        'from afar',
      );
    }
    expect([local.streams.length, agent.streams.length]).toEqual([1, 10]);
  });

  it('is passed on there to the agent that is well', async () => {
    const { far, agent, client } = await startRegion();
    const other = await far.attach();
    agent.serve = () => ResetCode.NotDelivered;
    other.serve = (stream) => void stream.ok('well');
    for (let at = 0; at < 10; at++) {
      expect((await client.request('POST /', ['Content-Length: 4'], 'body').response()).body).toBe('well');
    }
    expect(agent.streams).toHaveLength(1);
  });

  it('goes to the other agent there while one has enough to do, and is too much when both have', async () => {
    const { far, agent, client } = await startRegion();
    const other = await far.attach();
    agent.serve = () => ResetCode.Busy;
    other.serve = (stream) => void stream.ok('free');
    const post = () => client.request('POST /', ['Content-Length: 4'], 'body').response();
    for (let at = 0; at < 10; at++) expect((await post()).body).toBe('free');
    expect(agent.streams.length).toBeGreaterThan(1);
    other.serve = () => ResetCode.Busy;
    expect((await post()).fields['x-culvert-error']).toBe('overloaded');
  });

  it('that has met a silent agent there meets another one there, not the same elsewhere', async () => {
    const { bus, edge: near } = await startInstallation(PEERS);
    const far = await startTestEdge({ id: 'eu-2', ...PEERS }, bus);
    const farther = await startTestEdge({ id: 'us-1', region: 'us', ...PEERS }, bus);
    const well = await far.attach();
    well.serve = (stream) => void stream.ok('well');
    const paths = await Promise.all(
      [far, farther].map(({ agentsPort }) => TcpProxy.start({ host: '127.0.0.1', port: agentsPort })),
    );
    onTestFinished(async () => void (await Promise.all(paths.map((path) => path.stop()))));
    const serve = (stream: StreamDouble): void => void stream.ok('not silent yet');
    const { agent, generation } = (await AgentDouble.attach(paths[0]!.port, { serve })).hello;
    for (const { port } of [...paths, ...paths]) await AgentDouble.attach(port, { agent, generation, serve });
    const client = await near.connect();
    await eventually(async () => (await client.request().response()).body === 'well');
    const before = await relayed(farther);
    for (const path of paths) path.blackHole();
    for (let at = 0; at < 6; at++) expect((await client.request().response()).body).toBe('well');
    expect(await near.metric('culvert_edge_retries_total')).toBe(1);
    expect(await relayed(farther)).toBe(before);
  });

  it('that was not delivered here goes there, with all of its body that came meanwhile', async () => {
    const { bus, router, edge: near } = await startInstallation(PEERS);
    const local = await near.attach();
    const client = await near.connect();
    const body = patternedBytes(400_000);
    const found = Promise.withResolvers<PoolInfo>();
    const asked = Promise.withResolvers<void>();
    router.signals.respond(`holders.${TUNNEL}`, () => {
      asked.resolve();
      return found.promise;
    });
    client.request('PUT /', [`Content-Length: ${body.length}`]).send(body.subarray(0, 10_000));
    const stream = await local.next();
    await eventually(() => stream.bytes === 10_000);
    stream.stream.reset(ResetCode.NotDelivered, '');
    await asked.promise;
    client.send(body.subarray(10_000));
    // The edge has read what it is willing to keep: the rest waits in the client's socket.
    await eventually(() => client.socket.bytesWritten > 100_000);
    const far = await startTestEdge({ id: 'us-1', ...PEERS }, bus);
    const agent = await far.attach();
    found.resolve(poolInfo('us-1', far));
    const again = await (await agent.next()).whole();
    expect(Buffer.concat(again.parts).equals(body)).toBe(true);
    again.ok();
    expect((await client.response()).status).toBe(200);
  });

  it('is answered for with 503 when no edge holds a pool', async () => {
    const { bus, edge } = await startInstallation(PEERS);
    await startTestEdge({ id: 'us-1', ...PEERS }, bus);
    const response = await (await edge.connect()).request().response();
    expect(response.fields['x-culvert-error']).toBe('no_agent');
  });

  it('is served as soon as an agent attaches anywhere', async () => {
    const { bus, edge } = await startInstallation(PEERS);
    const far = await startTestEdge({ id: 'us-1', ...PEERS }, bus);
    const client = await edge.connect();
    // Time stands still, so that nobody forgets by itself that nobody holds a pool.
    const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 1_000);
    onTestFinished(() => clock.mockRestore());
    expect((await client.request().response()).status).toBe(503);
    const agent = await far.attach();
    agent.serve = (stream) => void stream.ok();
    await eventually(async () => (await client.request().response()).status === 200);
  });
});

describe('a relayed stream', () => {
  it('is never relayed again: the edge says that it is not here, and the asker tries the next', async () => {
    const { bus, router, near, far, agent, client } = await startRegion();
    const third = await startTestEdge({ id: 'ap-1', region: 'ap', ...PEERS }, bus);
    // The second edge knows that the third holds the pool, and could relay.
    agent.link.close(GoAwayCode.Leaving, '');
    const moved = await third.attach();
    moved.serve = (stream) => void stream.ok('moved');
    expect((await (await far.connect()).request().response()).body).toBe('moved');
    const relayedOut = await far.metric('culvert_edge_relayed_out_total');
    // The first believes an outdated message.
    client.request('GET /', ['Host: nowhere.test']);
    await client.response();
    await believe(router, near, poolInfo('us-1', far));
    for (let at = 0; at < 4; at++) expect((await client.request().response()).body).toBe('moved');
    expect(moved.streams.every((stream) => stream.open.hops === 1)).toBe(true);
    expect(await far.metric('culvert_edge_relayed_out_total')).toBe(relayedOut);
  });

  it('that is not there corrects the entry that led to it', async () => {
    const { router, near, far, agent, client } = await startRegion();
    agent.link.close(GoAwayCode.Leaving, '');
    await eventually(async () => (await far.metric('culvert_edge_sessions')) === 0);
    expect((await client.request().response()).status).toBe(503);
    router.signals.publish(poolOf(TUNNEL), poolInfo('us-1', far));
    await eventually(async () => {
      await client.request().response();
      return (await relayed(far)) === 1;
    });
    for (let at = 0; at < 5; at++) {
      expect((await client.request().response()).fields['x-culvert-error']).toBe('no_agent');
    }
    expect(await relayed(far)).toBe(1);
    expect(await near.metric('culvert_edge_relayed_out_total')).toBe(1);
  });
});

describe('a peer', () => {
  it('with another secret is refused, and nobody relays through it', async () => {
    const { bus, edge: near } = await startInstallation(PEERS);
    const far = await startTestEdge({ id: 'us-1', ...PEERS, secret: 'another' }, bus);
    await far.attach();
    const client = await near.connect();
    expect((await client.request().response()).fields['x-culvert-error']).toBe('no_agent');
    await eventually(async () => (await far.metric('culvert_edge_garbage_total')) > 0);
    expect(await relayed(far)).toBe(0);
    expect(near.lines.find(({ msg }) => msg === 'peer unreachable')).toMatchObject({ peer: 'us-1' });
  });

  it('may not arrive where agents do, and no agent where peers do', async () => {
    const { edge } = await startInstallation(PEERS);
    const { AgentDouble } = await import('../testing/agent-double.ts');
    await expect(AgentDouble.attach(edge.peersPort)).rejects.toMatchObject({
      goAway: { code: GoAwayCode.NotAPeer },
    });
    const { near } = await startRegion();
    const posing = { edge: 'evil', nonce: 'ab'.repeat(32), software: 'x' };
    await expect(
      AgentDouble.attach(near.agentsPort, { ...posing, role: 'peer' } as never),
    ).rejects.toMatchObject({
      goAway: { code: GoAwayCode.NotAPeer },
    });
  });

  it('is dialled over TLS where it listens with TLS', async () => {
    const tls = { certificates: [{ cert: certificate.certFile, key: certificate.keyFile }] };
    const { agent, client } = await startRegion({
      peers: { listen: '127.0.0.1:0', tls, ca: certificate.certFile },
    });
    agent.serve = (stream) => void stream.ok('sealed');
    expect((await client.request().response()).body).toBe('sealed');
  });

  describe('with mutual TLS', () => {
    const tls = { certificates: [{ cert: certificate.certFile, key: certificate.keyFile }] };
    const peers = { listen: '127.0.0.1:0', tls, ca: certificate.certFile, mutualTls: true };

    it('needs no secret', async () => {
      const { agent, client } = await startRegion({ peers, secret: undefined });
      agent.serve = (stream) => void stream.ok('sealed');
      expect((await client.request().response()).body).toBe('sealed');
    });

    it.each([
      ['shows no certificate', { mutualTls: false }],
      ['shows a certificate that nobody vouches for', { tls: { certificates: [strangers()] } }],
    ])('that %s is refused', async (_, more) => {
      const { bus, edge: near } = await startInstallation({ ...SECRET, peers: { ...peers, ...more } });
      const far = await startTestEdge({ id: 'us-1', peers }, bus);
      await far.attach();
      const response = await (await near.connect()).request().response();
      expect(response.fields['x-culvert-error']).toBe('no_agent');
      expect(await far.metric('culvert_edge_garbage_total')).toBeGreaterThan(0);
    });

    it('that comes without TLS is refused, also when it knows the secret', async () => {
      const { bus, edge: near } = await startInstallation(PEERS);
      const far = await startTestEdge({ id: 'us-1', ...SECRET, peers }, bus);
      await far.attach();
      const response = await (await near.connect()).request().response();
      expect(response.fields['x-culvert-error']).toBe('no_agent');
      expect(await far.metric('culvert_edge_garbage_total')).toBeGreaterThan(0);
    });
  });

  it('that leaves is left alone, and dialled anew when it is back', async () => {
    const { bus, far, agent, client } = await startRegion();
    agent.serve = (stream) => void stream.ok('first');
    expect((await client.request().response()).body).toBe('first');
    await far.running.drain();
    expect((await client.request().response()).fields['x-culvert-error']).toBe('no_agent');
    const back = await startTestEdge({ id: 'us-1', region: 'us', ...PEERS }, bus);
    const again = await back.attach();
    again.serve = (stream) => void stream.ok('second');
    await eventually(async () => (await client.request().response()).body === 'second');
  });

  it('of the own region is asked first', async () => {
    const { bus, edge: near } = await startInstallation({ region: 'eu', ...PEERS });
    const [us, eu] = [
      await startTestEdge({ id: 'us-1', region: 'us', ...PEERS }, bus),
      await startTestEdge({ id: 'eu-2', region: 'eu', ...PEERS }, bus),
    ];
    const [abroad, home] = [await us.attach(), await eu.attach()];
    for (const agent of [abroad, home]) agent.serve = (stream) => void stream.ok();
    const client = await near.connect();
    // The first answer is used at once, whoever gives it; from then on all holders are known.
    await client.request().response();
    await eventually(async () => {
      await client.request().response();
      return home.streams.length > 0;
    });
    const before = abroad.streams.length;
    for (let at = 0; at < 5; at++) await client.request().response();
    expect(abroad.streams.length).toBe(before);
  });
});

describe('nothing that a client or an agent sends', () => {
  it('in fields of a request makes it look relayed', async () => {
    const { agent, near } = await startRegion();
    const local = await near.attach();
    local.serve = (stream) => void stream.ok();
    const fields = ['X-Culvert-Hops: 1', 'Culvert-Relay: us-1', 'Hops: 1', 'Via: 1.1 us-1', 'X-Edge: us-1'];
    await (await near.connect()).request('GET /', fields).response();
    expect(local.streams[0]!.open.hops).toBe(0);
    expect(local.streams[0]!.open.client).toMatch(/^127\.0\.0\.1:/);
    // Nor does it keep the edge from relaying.
    local.link.close(GoAwayCode.Leaving, '');
    agent.serve = (stream) => void stream.ok('from afar');
    const again = await near.connect();
    await eventually(async () => (await again.request('GET /', fields).response()).body === 'from afar');
  });

  it('at an entry point is a link', async () => {
    const { near, agent } = await startRegion();
    const { AgentDouble } = await import('../testing/agent-double.ts');
    const posing = { edge: 'us-1', nonce: 'ab'.repeat(32), software: 'x', role: 'peer' } as never;
    await expect(AgentDouble.attach(near.httpPort, posing)).rejects.toThrow();
    expect(agent.streams).toEqual([]);
  });

  it('on an agent’s link is passed on to anybody: streams that it opens are refused', async () => {
    const { far, agent } = await startRegion();
    const other = await far.attach();
    const opened = new StreamDouble(undefined as never, undefined as never);
    const meta = {
      protocol: Protocol.Http,
      hops: 1,
      window: 65_536,
      tunnel: packUuid(TUNNEL),
      hostname: 'app.test',
      client: '192.0.2.1:1',
      head: 'GET / HTTP/1.1\r\nHost: app.test\r\n\r\n',
    };
    agent.link.open(meta, opened, Buffer.alloc(0), 0, 0, true);
    expect((await eventually(() => opened.reset)).code).toBe(ResetCode.Refused);
    expect([...agent.streams, ...other.streams]).toEqual([]);
    expect(await relayed(far)).toBe(0);
  });
});

/** Of an authority that no edge was told of. */
function strangers() {
  const { certFile: cert, keyFile: key } = makeCertificate();
  return { cert, key };
}

/** What the edge would say of its pool, had it one. */
function poolInfo(id: string, edge: TestEdge, region = 'default'): PoolInfo {
  const peers = `127.0.0.1:${edge.peersPort}`;
  return { tunnel: TUNNEL, edge: id, region, boot: 'b', peers, sessions: 1, draining: false };
}

/** Makes the edge ask for holders, then hear of one that it believes. */
async function believe(
  router: { signals: { publish(subject: string, message: unknown): void } },
  edge: TestEdge,
  pool: PoolInfo,
) {
  await (await edge.connect()).request().response();
  router.signals.publish(poolOf(TUNNEL), pool);
}
