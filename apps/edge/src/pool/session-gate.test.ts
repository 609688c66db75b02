import { createHash, randomUUID } from 'node:crypto';
import { LinkRefusedError } from '@culvert/link';
import type { Admission } from '@culvert/link';
import { MemorySignals } from '@culvert/signals';
import { silentLogger } from '@culvert/telemetry';
import { eventually } from '@culvert/testkit';
import { GoAwayCode } from '@culvert/wire';
import { describe, expect, it } from 'vitest';
import { EdgeCounters } from '../counters.ts';
import { Pools } from './pools.ts';
import { SessionGate } from './session-gate.ts';
import { SessionRate } from './session-rate.ts';
import type { AgentOptions } from '../testing/agent-double.ts';
import { startInstallation } from '../testing/edge-kit.ts';
import type { TestEdge } from '../testing/edge-kit.ts';
import { OTHER_TUNNEL, TOKEN, TUNNEL } from '../testing/router-double.ts';
import { POOLS, fakeLink } from '../testing/sessions.ts';

const DIGEST = createHash('sha256').update(TOKEN).digest('hex');

/** The go-away that the edge answers the hello with. */
async function refusal(edge: TestEdge, options: AgentOptions = {}) {
  const failure: unknown = await edge.attach(options).catch((error: unknown) => error);
  if (!(failure instanceof LinkRefusedError)) expect.fail(`not refused: ${String(failure)}`);
  return failure.goAway;
}

describe('an agent', () => {
  it('is asked for at a router by the digest of its token, never the token', async () => {
    const { edge, router } = await startInstallation();
    const claims = { hostnames: ['a.localhost'], ports: [7_001] };
    await edge.attach({ claims });
    expect(router.authenticated).toEqual([{ edge: 'eu-1', tunnel: TUNNEL, digest: DIGEST, claims }]);
    expect(JSON.stringify(edge.lines)).not.toContain(TOKEN);
  });

  it.each([
    ['unknown_tunnel', GoAwayCode.UnknownTunnel],
    ['wrong_token', GoAwayCode.Unauthorized],
    ['claim_refused', GoAwayCode.ClaimRefused],
    ['claim_taken', GoAwayCode.ClaimRefused],
  ] as const)('that the router refuses with %s is told so in words', async (reason, code) => {
    const { edge, router } = await startInstallation();
    router.authenticate = () => ({ allow: false, reason, message: 'because of that' });
    expect(await refusal(edge)).toMatchObject({ code, text: 'because of that' });
    expect(await edge.metric('culvert_edge_sessions_refused_total')).toBe(1);
    expect(await edge.metric('culvert_edge_sessions')).toBe(0);
  });

  it('whose tunnel is no UUID is refused without asking', async () => {
    const { edge, router } = await startInstallation();
    expect((await refusal(edge, { tunnel: 'shop.*' })).code).toBe(GoAwayCode.UnknownTunnel);
    expect(router.authenticated).toEqual([]);
  });

  it('may attach while no router can be asked only if it was admitted before', async () => {
    const { edge, router } = await startInstallation();
    await edge.attach();
    router.goAway();
    expect((await edge.attach()).welcome).toBeDefined();
    const stranger = await refusal(edge, { token: 'another' });
    expect(stranger.code).toBe(GoAwayCode.Unavailable);
    expect(stranger.retryAfterMs).toBeGreaterThan(0);
  });

  it('is told the edges that it may dial, and again when there are others', async () => {
    const { edge, bus } = await startInstallation();
    const agent = await edge.attach();
    const own = { id: 'eu-1', region: 'default', address: `127.0.0.1:${edge.agentsPort}` };
    expect(agent.edges).toMatchObject([own]);
    expect(agent.edges[0]!.boot).toMatch(/^[0-9a-f-]{36}$/);
    const { startTestEdge } = await import('../testing/edge-kit.ts');
    const other = await startTestEdge({ id: 'us-1', region: 'us' }, bus);
    await eventually(() => agent.edges.length === 2);
    expect(agent.edges[1]).toMatchObject({
      id: 'us-1',
      region: 'us',
      address: `127.0.0.1:${other.agentsPort}`,
    });
    await other.running.drain();
    await eventually(() => agent.edges.length === 1);
  });
});

describe('a session', () => {
  it('has all links of one attachment, and takes streams on each', async () => {
    const { edge, router } = await startInstallation();
    const agent = randomUUID();
    const links = [await edge.attach({ agent }), await edge.attach({ agent }), await edge.attach({ agent })];
    expect(await edge.metric('culvert_edge_sessions')).toBe(1);
    expect(new Set(links.map((link) => link.welcome!.body.session)).size).toBe(1);
    await eventually(() =>
      router.sessions.some(
        (message) => message.mode === 'change' && message.up.some((session) => session.links === 3),
      ),
    );
    for (const link of links) link.serve = (stream) => void stream.ok();
    const client = await edge.connect();
    await eventually(async () => {
      await client.request().response();
      return links.every((link) => link.streams.length > 0);
    });
  });

  it('is one also when its links arrive at the same time', async () => {
    const { edge } = await startInstallation();
    const agent = randomUUID();
    await Promise.all([1, 2, 3, 4].map(() => edge.attach({ agent })));
    expect(await edge.metric('culvert_edge_sessions')).toBe(1);
    expect(await edge.metric('culvert_edge_sessions_admitted_total')).toBe(1);
  });

  it('goes on while it has a link, and ends with the last', async () => {
    const { edge } = await startInstallation();
    const agent = randomUUID();
    const [first, second] = [await edge.attach({ agent }), await edge.attach({ agent })];
    first.link.close(GoAwayCode.Leaving, '');
    second.serve = (stream) => void stream.ok();
    const client = await edge.connect();
    for (let at = 0; at < 5; at++) expect((await client.request().response()).status).toBe(200);
    second.link.close(GoAwayCode.Leaving, '');
    await eventually(async () => (await edge.metric('culvert_edge_sessions')) === 0);
    expect((await client.request().response()).status).toBe(503);
  });

  it('of a newer generation takes all new streams; the older finishes what it has', async () => {
    const { edge, client, old, newer } = await generations();
    client.request('GET /new');
    (await newer.next()).ok('new');
    expect((await client.response()).body).toBe('new');
    expect(old.agent.streams).toHaveLength(1);
    old.stream.ok('old');
    expect((await old.client.response()).body).toBe('old');
    await eventually(async () => (await edge.metric('culvert_edge_sessions')) === 1);
  });

  it('of a newer generation makes the older hear that its links are of no use any more', async () => {
    const { old } = await generations();
    await eventually(() => old.agent.goAways[0]?.code === GoAwayCode.Replaced);
    expect(old.agent.end).toBeUndefined();
    old.stream.ok('old');
    expect(await eventually(() => old.agent.end)).toMatchObject({ code: GoAwayCode.Replaced });
  });

  it('that a newer one overtakes between its admission and its attachment hears so too', async () => {
    const { pools, admit } = await gate();
    const told: number[] = [];
    const attach = (admission: Admitted, generation: number): void => {
      admission.attach(Object.assign(fakeLink(), { goAway: () => void told.push(generation) }));
    };
    const [newer, older] = [await admit(8), await admit(7)];
    attach(newer, 8);
    attach(older, 7);
    expect(told).toEqual([7]);
    expect([...pools.sessions].map(({ generation, draining }) => [generation, draining])).toEqual([
      [8, false],
      [7, true],
    ]);
  });

  it('is named the same to both of two links that are admitted at once', async () => {
    const { pools, admit } = await gate();
    const sessions = [await admit(7), await admit(7)].map((admission) => {
      const { session } = { ...admission.welcome };
      admission.attach(fakeLink());
      return session;
    });
    expect(new Set(sessions)).toEqual(new Set([...pools.sessions].map(({ id }) => id)));
  });

  it('that is older than one that is here is refused: a late message of the past', async () => {
    const { edge, newer } = await generations();
    const { agent, generation } = newer.hello;
    expect((await refusal(edge, { agent, generation: generation - 1 })).code).toBe(GoAwayCode.Replaced);
    expect((await edge.attach({ agent, generation })).welcome).toBeDefined();
  });

  it('beyond so many a second is asked to come back, each at a time of its own; more links of a session are not', async () => {
    const { edge, router } = await startInstallation({ limits: { sessionRate: 1 } });
    const first = await edge.attach();
    await edge.attach();
    const asked = router.authenticated.length;
    const [a, b] = [await refusal(edge), await refusal(edge)];
    expect([a.code, b.code]).toEqual([GoAwayCode.Busy, GoAwayCode.Busy]);
    expect(a.retryAfterMs).toBeGreaterThan(0);
    expect(b.retryAfterMs - a.retryAfterMs).toBeGreaterThan(500);
    // No router has to say anything about those.
    expect(router.authenticated).toHaveLength(asked);
    const { agent, generation } = first.hello;
    await edge.attach({ agent, generation });
    expect(await edge.metric('culvert_edge_sessions_put_off_total')).toBe(2);
  });

  it('over the limit of sessions, or a link over the limit of links, is refused for now', async () => {
    const { edge } = await startInstallation({ limits: { sessions: 1, linksPerSession: 2 } });
    const agent = randomUUID();
    await Promise.all([edge.attach({ agent }), edge.attach({ agent })]);
    for (const options of [{}, { agent }]) {
      const { code, retryAfterMs } = await refusal(edge, options);
      expect(code).toBe(GoAwayCode.Busy);
      expect(retryAfterMs).toBeGreaterThan(0);
    }
  });

  it('over the limit is refused also when all ask at once', async () => {
    const { edge, router } = await startInstallation({ limits: { sessions: 2 } });
    const all = Promise.withResolvers<void>();
    router.authenticate = async () => {
      if (router.authenticated.length === 6) all.resolve();
      await all.promise;
      return { allow: true, tunnelName: 'shop' };
    };
    const outcomes = await Promise.allSettled([1, 2, 3, 4, 5, 6].map(() => edge.attach()));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
  });

  it('ends when its tunnel is revoked, and its token is forgotten', async () => {
    const { edge, router } = await startInstallation();
    const [agent, other] = [await edge.attach(), await edge.attach({ tunnel: OTHER_TUNNEL })];
    router.revoke(TUNNEL);
    expect(await eventually(() => agent.end)).toMatchObject({ code: GoAwayCode.Revoked, by: 'peer' });
    router.goAway();
    expect((await refusal(edge)).code).toBe(GoAwayCode.Unavailable);
    expect(other.end).toBeUndefined();
  });

  it('ends when its token is revoked; those with another token stay', async () => {
    const { edge, router } = await startInstallation();
    const [agent, other] = [await edge.attach(), await edge.attach({ token: 'another' })];
    router.revoke(TUNNEL, DIGEST);
    await eventually(() => agent.end);
    expect(other.end).toBeUndefined();
    expect(await edge.metric('culvert_edge_sessions')).toBe(1);
  });
});

/** An agent whose old session has a request under way, attached anew. */
async function generations() {
  const { edge } = await startInstallation();
  const agent = await edge.attach({ generation: 7 });
  const waiting = (await edge.connect()).request('GET /old');
  const stream = await agent.next();
  const newer = await edge.attach({ agent: agent.hello.agent, generation: 8 });
  return { edge, client: await edge.connect(), old: { agent, stream, client: waiting }, newer };
}

type Admitted = Extract<Admission, { admit: true }>;

/** A gate without connections: what is admitted is attached when a test says so. */
async function gate() {
  const { bus } = await startInstallation();
  const pools = new Pools({ onSession: () => undefined }, POOLS);
  const gate = new SessionGate({
    edge: { id: 'eu-2', region: 'eu', software: 'test' },
    signals: new MemorySignals(bus),
    pools,
    counters: new EdgeCounters(),
    logger: silentLogger,
    maxSessions: 10,
    maxLinksPerSession: 10,
    rate: new SessionRate(() => 1_000),
    edges: () => [],
    draining: () => false,
  });
  const admit = async (generation: number): Promise<Admitted> => {
    const hello = {
      role: 'agent',
      tunnel: TUNNEL,
      token: TOKEN,
      agent: 'a',
      software: '',
      window: 1,
    } as const;
    const admission = await gate.admit({ ...hello, generation }, '');
    return admission.admit ? admission : expect.fail('not admitted');
  };
  return { pools, admit };
}
