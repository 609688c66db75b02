import { MemoryBus, MemorySignals, RESYNC, ROUTES_CHANGED, TUNNEL_REVOKED } from '@culvert/signals';
import type { Signals, SignalsState } from '@culvert/signals';
import type { RouteRecord } from '@culvert/registry';
import { eventually } from '@culvert/testkit';
import { expect, it } from 'vitest';
import { Announcements } from './announcements.ts';
import { listen } from './testing/router-kit.ts';

it('what happens while the bus is away is told once when it is back', async () => {
  const bus = new MemoryBus();
  const [edge, outage] = [new MemorySignals(bus), new Outage(new MemorySignals(bus))];
  const changes = await listen(edge, ROUTES_CHANGED);
  const revoked = await listen(edge, TUNNEL_REVOKED);
  const resyncs = await listen(edge, RESYNC);
  const announcements = new Announcements(outage.signals);
  outage.enter('disconnected');
  announcements.routesChanged([route('a.test')]);
  announcements.routesChanged([route('b.test')]);
  announcements.revoked('t1', 'd1');
  announcements.revoked('t2');
  announcements.resync();
  await settled(edge);
  expect([...changes, ...revoked, ...resyncs]).toEqual([]);
  outage.enter('connected');
  outage.enter('disconnected');
  outage.enter('connected');
  await settled(edge);
  expect(changes).toEqual([{ hostnames: [], ports: true, all: true }]);
  expect(revoked).toEqual([{ tunnel: 't1', digest: 'd1' }, { tunnel: 't2' }]);
  expect(resyncs).toHaveLength(1);
});

it('a change of very many hostnames is told as a change of everything', async () => {
  const signals = new MemorySignals();
  const changes = await listen(signals, ROUTES_CHANGED);
  const announcements = new Announcements(signals);
  announcements.routesChanged([]);
  announcements.routesChanged(Array.from({ length: 5_000 }, (_, at) => route(`h${at}.test`)));
  await settled(signals);
  expect(changes).toEqual([{ hostnames: [], ports: true, all: true }]);
});

it('of many changes the first is told at once, and the others together soon after', async () => {
  const signals = new MemorySignals();
  const changes = await listen(signals, ROUTES_CHANGED);
  const announcements = new Announcements(signals);
  for (const name of ['a.test', 'b.test', 'c.test']) announcements.routesChanged([route(name)]);
  await settled(signals);
  expect(changes).toEqual([{ hostnames: ['a.test'], ports: false, all: false }]);
  await eventually(() => changes.length === 2);
  expect(changes[1]).toEqual({ hostnames: ['b.test', 'c.test'], ports: false, all: false });
});

it('changes that wait to be told are told when the router stops', async () => {
  const signals = new MemorySignals();
  const changes = await listen(signals, ROUTES_CHANGED);
  const announcements = new Announcements(signals);
  for (const name of ['a.test', 'b.test']) announcements.routesChanged([route(name)]);
  announcements.close();
  await settled(signals);
  expect(changes).toHaveLength(2);
});

/** Signals whose state the test decides. */
class Outage {
  readonly signals: Signals;
  #state: SignalsState = 'connected';
  readonly #watchers = new Set<(state: SignalsState) => void>();

  constructor(inner: Signals) {
    const state = (): SignalsState => this.#state;
    const watchers = this.#watchers;
    this.signals = {
      get state() {
        return state();
      },
      onState(listener) {
        watchers.add(listener);
        return () => void watchers.delete(listener);
      },
      publish: (subject, message) => inner.publish(subject, message),
      subscribe: (subject, handler, options) => inner.subscribe(subject, handler, options),
      respond: (subject, handler, options) => inner.respond(subject, handler, options),
      request: (subject, message, options) => inner.request(subject, message, options),
      gather: (subject, message, options) => inner.gather(subject, message, options),
      close: () => inner.close(),
    };
  }

  enter(state: SignalsState): void {
    this.#state = state;
    for (const watcher of this.#watchers) watcher(state);
  }
}

function route(hostname: string): RouteRecord {
  return { route: { id: hostname, hostname, tunnel: 't' }, source: 'api' };
}

async function settled(signals: Signals): Promise<void> {
  await listen(signals, 'settled');
  await new Promise((resolve) => setImmediate(resolve));
}
