import { StreamMemory } from '@culvert/link';
import { eventually, recordingLogger, TcpProxy, type LoggedLine } from '@culvert/testkit';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { parseEdgeAddress } from '@culvert/settings';
import { AgentCounters } from '../counters.ts';
import { EdgeDouble, TUNNEL } from '../testing/edge-double.ts';
import { EdgeList } from './edge-list.ts';
import { LinkSupervisor } from './link-supervisor.ts';

const set = (...addresses: string[]): ReadonlySet<string> => new Set(addresses);

/** Keeps one link to the address. */
function supervise(address: string) {
  const lines: LoggedLine[] = [];
  const random = () => 0.1;
  const supervisor = new LinkSupervisor({
    edges: new EdgeList({ configured: [parseEdgeAddress(address)!], learns: false, seed: 's', random }),
    links: 1,
    hello: { role: 'agent', tunnel: TUNNEL, token: 't', agent: 'a', software: 's', window: 65_536 },
    trust: {},
    memory: new StreamMemory(1 << 24),
    maxStreamsPerLink: 10,
    counters: new AgentCounters(),
    logger: recordingLogger(lines),
    random,
    serve: () => 4,
    onAttached: () => undefined,
    onRefused: () => undefined,
  });
  onTestFinished(() => supervisor.drain(100));
  supervisor.start();
  return { supervisor, said: (text: string) => lines.filter(({ msg }) => msg === text).length };
}

async function edgeDouble(): Promise<EdgeDouble> {
  const edge = await EdgeDouble.start({ id: 'a' });
  onTestFinished(() => edge.stop());
  return edge;
}

describe('a link', () => {
  it('is not touched when addresses come and go that it does not use: containers do', async () => {
    const { supervisor, said } = supervise((await edgeDouble()).address);
    await eventually(() => supervisor.attached === 1);
    for (let n = 0; n < 5; n++) supervisor.onAddresses(set(`172.17.0.${n}`), set('fe80::1', '192.0.2.1'));
    expect(said('links are verified')).toBe(0);
  });

  it('that proves to be alive goes on although the machine has slept or lost its address', async () => {
    const edge = await edgeDouble();
    const { supervisor, said } = supervise(edge.address);
    await eventually(() => supervisor.attached === 1);
    const [link] = edge.links;
    const before = link!.counters.bytesIn;
    supervisor.onSlept();
    supervisor.onAddresses(set(), set('127.0.0.1'));
    expect(said('links are verified')).toBe(2);
    await eventually(() => link!.counters.bytesIn > before);
    expect([link!.closed, supervisor.attached]).toEqual([false, 1]);
  });

  it('that leads nowhere after a sleep is given up within seconds, and another one made', async () => {
    const edge = await edgeDouble();
    const proxy = await TcpProxy.start({ host: '127.0.0.1', port: edge.port });
    onTestFinished(() => proxy.stop());
    // Nothing is pinged at intervals, so that it is not their silence that ends the link.
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const { supervisor, said } = supervise(proxy.address);
    await eventually(() => supervisor.attached === 1);
    proxy.blackHole();
    supervisor.onSlept();
    await eventually(() => said('link lost') === 1, { timeoutMs: 10_000 });
    proxy.reset();
    proxy.heal();
    await eventually(() => supervisor.attached === 1);
  }, 20_000);
});

it('an edge that could not be reached for long is dialled when the network is back', async () => {
  const edge = await edgeDouble();
  const proxy = await TcpProxy.start({ host: '127.0.0.1', port: edge.port });
  onTestFinished(() => proxy.stop());
  proxy.cut();
  const { supervisor, said } = supervise(proxy.address);
  // The next dial is 3.2 s away, with these short delays.
  await eventually(() => said('edge unreachable') === 7, { timeoutMs: 10_000 });
  proxy.heal();
  supervisor.onAddresses(set('198.51.100.7'), set());
  const started = performance.now();
  await eventually(() => supervisor.attached === 1);
  expect(performance.now() - started).toBeLessThan(2_500);
}, 20_000);
