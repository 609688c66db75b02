import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { eventually } from '@culvert/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ask } from './testing/http-client.ts';
import type { Answer, Place } from './testing/http-client.ts';
import { Installation, SHOP, metric } from './testing/installation.ts';
import { LocalService } from './testing/local-service.ts';

/** On a busy machine. */
const PATIENCE = { timeoutMs: 40_000 };
const REQUESTS = 3;
const OVERLOADED = [503, 'overloaded', '1'];

const verdict = ({ status, headers }: Answer) => [status, headers['x-culvert-error'], headers['retry-after']];

describe('an edge that is asked for more than it can do', () => {
  let site: Installation;
  let services: LocalService[];
  beforeAll(async () => {
    services = await Promise.all(['one', 'two'].map((name) => LocalService.start(name)));
    site = await Installation.start({
      routes: [
        { hostname: 'shop.test', tunnel: SHOP },
        { hostname: 'narrow.test', tunnel: SHOP },
        { hostname: 'moved.test', tunnel: SHOP, redirect: { to: 'https://shop.test/' } },
      ],
      edge: { limits: { requests: REQUESTS } },
    });
    const ingress = (service: string) => [{ hostname: 'narrow.test', service, maxRequests: 1 }, { service }];
    const agents = await Promise.all(services.map(({ url }) => site.attach({ ingress: ingress(url) })));
    await Promise.all(agents.map((agent) => agent.process.line('link attached')));
  });
  afterEach(() => openGates());
  afterAll(async () => {
    await site.stop();
    await Promise.all(services.map((service) => service.stop()));
  });
  const openGates = (): void => services.forEach((service) => void service.openGate());
  const waiting = (): number[] => services.map((service) => service.waiting);

  /** So many requests are under way at the service. */
  const hold = async (hostname: string, count: number): Promise<Promise<Answer>[]> => {
    const answers = Array.from({ length: count }, () => ask(site.edge(0).http, hostname, { path: '/gate' }));
    await eventually(() => waiting().reduce((sum, one) => sum + one) === count, PATIENCE);
    return answers;
  };
  const get = (hostname: string): Promise<Answer> => ask(site.edge(0).http, hostname);
  const serves = (hostname: string): Promise<unknown> =>
    eventually(async () => (await get(hostname)).status === 200, PATIENCE);

  it('refuses requests beyond those that may be under way, while its admin address answers, and serves on', async () => {
    await serves('shop.test');
    const held = await hold('shop.test', REQUESTS);
    expect(verdict(await get('shop.test'))).toEqual(OVERLOADED);
    expect((await ask(site.edge(0).admin, 'admin', { path: '/readyz' })).status).toBe(200);
    openGates();
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200, 200]);
    await serves('shop.test');
  });

  it('gives others what an agent does not let its service have, and refuses what no agent does', async () => {
    await serves('narrow.test');
    const held = await hold('narrow.test', 2);
    expect(waiting()).toEqual([1, 1]);
    expect(verdict(await get('narrow.test'))).toEqual(OVERLOADED);
    services[0]!.openGate();
    // The agent has it all when the client has.
    await Promise.race(held);
    for (let n = 0; n < 10; n++) {
      const { status, text } = await get('narrow.test');
      expect([status, text]).toEqual([200, expect.stringContaining('one')]);
    }
    openGates();
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200]);
    await serves('narrow.test');
  });

  it('refuses some of a flood that keeps it late, while others and its admin address are answered', async () => {
    const { admin, service: edge } = site.edge(0);
    edge.extend({ limits: { lag: '5ms' } });
    edge.process.signal('SIGHUP');
    await edge.process.line('reloaded');
    expect((await get('moved.test')).status).toBe(308);
    const flood = new Flood(site.edge(0).http);
    try {
      const refused = (): Promise<number> => metric(admin, 'culvert_edge_refusals_total', 'overloaded');
      const before = await refused();
      await eventually(async () => (await refused()) > before, PATIENCE);
      expect([[200, undefined, undefined], OVERLOADED]).toContainEqual(verdict(await get('shop.test')));
      expect((await ask(admin, 'admin', { path: '/healthz' })).status).toBe(200);
    } finally {
      flood.end();
    }
    await edge.process.line('overload over', undefined, PATIENCE.timeoutMs);
    await serves('shop.test');
  }, 120_000);
});

/** Connections that ask without end and without waiting, for what the edge answers itself: nobody else has work with it. */
class Flood {
  static readonly CONNECTIONS = 200;
  static readonly REQUESTS = Buffer.from('GET / HTTP/1.1\r\nHost: moved.test\r\n\r\n'.repeat(10_000));
  readonly #sockets: Socket[];

  constructor(place: Place) {
    this.#sockets = Array.from({ length: Flood.CONNECTIONS }, () =>
      connect(place).on('error', () => undefined),
    );
    for (const socket of this.#sockets) {
      const pour = (): void => {
        while (!socket.destroyed && socket.write(Flood.REQUESTS));
      };
      socket.on('connect', pour).on('drain', pour).resume();
    }
  }

  end(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
