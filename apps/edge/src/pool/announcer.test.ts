import { EDGE_LEASE, EDGE_LEFT, EDGE_UP, MemoryBus, MemorySignals, RESYNC } from '@culvert/signals';
import { everyRouter, holdersOf, poolOf } from '@culvert/signals';
import type { EdgeInfo, PoolInfo, SessionsMessage } from '@culvert/signals';
import { eventually } from '@culvert/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Announcer } from './announcer.ts';
import { Pools } from './pools.ts';
import { RouterDouble, TUNNEL } from '../testing/router-double.ts';
import { POOLS, fakeLink, sessionOf } from '../testing/sessions.ts';

function start(more: Partial<EdgeInfo> = {}) {
  const bus = new MemoryBus();
  const router = new RouterDouble(bus);
  const listener = new MemorySignals(bus);
  const heard: { readonly subject: string; readonly message: unknown }[] = [];
  for (const pattern of ['edges.*', 'pool.*']) {
    listener.subscribe(pattern, (message, subject) => heard.push({ subject, message }));
  }
  const info: EdgeInfo = {
    id: 'eu-1',
    region: 'eu',
    boot: 'b1',
    peers: '127.0.0.1:7001',
    draining: false,
    load: { sessions: 0, streams: 0, connections: 0 },
    warnings: [],
    ...more,
  };
  const announcer: Announcer = new Announcer({
    signals: new MemorySignals(bus),
    pools: () => pools,
    info: () => info,
  });
  const pools: Pools = new Pools(announcer, POOLS);
  announcer.start();
  onTestFinished(() => announcer.leave());
  const on = (subject: string) =>
    heard.filter((each) => each.subject === subject).map(({ message }) => message);
  return { router, listener, announcer, pools, on };
}
const ids = (message: SessionsMessage | undefined) =>
  message?.mode === 'all' ? message.sessions.map(({ id }) => id) : message?.up.map(({ id }) => id);

it('a lease is renewed by another router where the one that is asked hangs', async () => {
  const { router, listener, announcer } = start();
  await eventually(() => router.leases.length === 1);
  router.goAway();
  listener.respond(EDGE_LEASE, () => new Promise(() => undefined));
  const renewed: unknown[] = [];
  listener.respond(everyRouter(EDGE_LEASE), (lease) => (renewed.push(lease), { resync: true }));
  announcer.announceEdge();
  await eventually(() => router.sessions.some(({ mode }) => mode === 'all'));
  expect(renewed).toMatchObject([{ id: 'eu-1', boot: 'b1' }]);
});

describe('sessions', () => {
  it('of one moment are told in one message, as they are by then', async () => {
    const { router, pools } = start();
    const [a, b, gone] = [sessionOf({ id: 'a' }), sessionOf({ id: 'b' }), sessionOf({ id: 'gone' })];
    for (const session of [a, b, gone]) pools.add(session);
    a.links.push(fakeLink());
    pools.changed(a);
    pools.remove(gone);
    const message = await eventually(() => router.sessions[0]);
    expect(message).toMatchObject({ edge: 'eu-1', boot: 'b1', seq: 1, mode: 'change', down: ['gone'] });
    expect(message).toMatchObject({
      up: [
        { id: 'a', links: 2, edge: 'eu-1' },
        { id: 'b', links: 1 },
      ],
    });
  });

  it('are numbered without a gap, in messages of bounded size', async () => {
    const { router, pools } = start();
    for (let at = 0; at < 1_200; at++) pools.add(sessionOf());
    await eventually(() => router.sessions.length === 3);
    expect(router.sessions.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(router.sessions.flatMap((message) => ids(message))).toHaveLength(1_200);
  });

  it.each([
    ['when the answer to the lease asks for them', (router: RouterDouble) => (router.resync = true)],
    ['when a router comes up empty', (router: RouterDouble) => router.signals.publish(RESYNC, {})],
  ])('are all told again %s', async (_, ask) => {
    const { router, pools, announcer } = start();
    pools.add(sessionOf({ id: 'a' }));
    await eventually(() => router.sessions.length === 1);
    ask(router);
    announcer.announceEdge();
    const all = await eventually(() => router.sessions.find(({ mode }) => mode === 'all'));
    expect(ids(all)).toEqual(['a']);
  });
});

describe('an edge', () => {
  it('takes its lease and shows itself at once', async () => {
    const { router, on } = start();
    await eventually(() => router.leases.length === 1 && on(EDGE_UP).length === 1);
    expect(router.leases[0]).toMatchObject({ id: 'eu-1', boot: 'b1' });
  });

  it('that leaves says so to routers and edges, and answers for no pool any more', async () => {
    const { router, listener, announcer, pools, on } = start();
    pools.add(sessionOf());
    await announcer.leave();
    await announcer.leave();
    expect(router.byes).toEqual([{ id: 'eu-1', boot: 'b1' }]);
    await eventually(() => on(EDGE_LEFT).length === 1);
    await expect(listener.request(holdersOf(TUNNEL), {}, { timeoutMs: 5_000 })).rejects.toMatchObject({
      name: 'NoRespondersError',
    });
    pools.add(sessionOf({ tunnel: 'x' }));
    await expect(listener.request(holdersOf('x'), {}, { timeoutMs: 5_000 })).rejects.toMatchObject({
      name: 'NoRespondersError',
    });
  });
});

describe('a pool', () => {
  const ask = (listener: MemorySignals) => listener.request(holdersOf(TUNNEL), {}, { timeoutMs: 1_000 });

  it('is answered for while it has a session that takes streams', async () => {
    const { listener, pools, on } = start();
    await expect(ask(listener)).rejects.toMatchObject({ name: 'NoRespondersError' });
    const [a, b] = [sessionOf(), sessionOf()];
    pools.add(a);
    pools.add(b);
    expect(await ask(listener)).toMatchObject({
      tunnel: TUNNEL,
      edge: 'eu-1',
      peers: '127.0.0.1:7001',
      sessions: 2,
    });
    pools.drain(a);
    expect(await ask(listener)).toMatchObject({ sessions: 1 });
    pools.remove(b);
    await expect(ask(listener)).rejects.toMatchObject({ name: 'NoRespondersError' });
    await eventually(() => on(poolOf(TUNNEL)).length === 4);
    expect((on(poolOf(TUNNEL)) as PoolInfo[]).map(({ sessions }) => sessions)).toEqual([1, 2, 1, 0]);
  });

  it('of an edge that no other can reach is not told of', async () => {
    const { listener, pools, on } = start({ peers: undefined } as never);
    pools.add(sessionOf());
    await expect(ask(listener)).rejects.toMatchObject({ name: 'NoRespondersError' });
    expect(on(poolOf(TUNNEL))).toEqual([]);
  });
});
