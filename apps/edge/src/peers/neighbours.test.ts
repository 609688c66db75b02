import { EDGE_LEFT, EDGE_UP, MemoryBus, MemorySignals } from '@culvert/signals';
import type { EdgeInfo } from '@culvert/signals';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { Neighbours } from './neighbours.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] }));
afterEach(() => void vi.useRealTimers());

const info = (id: string, more: Partial<EdgeInfo> = {}): EdgeInfo => ({
  id,
  region: 'eu',
  boot: 'b1',
  agents: `${id}.test:7000`,
  draining: false,
  load: { sessions: 0, streams: 0, connections: 0 },
  warnings: [],
  ...more,
});

function start() {
  const bus = new MemoryBus();
  const signals = new MemorySignals(bus);
  const told: string[] = [];
  const own = new MemorySignals(bus);
  const neighbours = new Neighbours(own, 'self', {
    onGone: (edge) => told.push(`gone ${edge}`),
    onSilent: (edge) => told.push(`silent ${edge}`),
    onHeardAgain: (edge) => told.push(`heard again ${edge}`),
    onSiblingGone: (id, boot) => told.push(`gone ${id} ${boot}`),
    onChange: () => told.push('change'),
  });
  const say = async (subject: string, message: unknown): Promise<void> => {
    signals.publish(subject, message);
    await new Promise((resolve) => setImmediate(resolve));
  };
  onTestFinished(() => neighbours.stop());
  return { neighbours, own, told, say, ids: () => neighbours.forAgents.map(({ id }) => id) };
}

it('other edges are known as they announce themselves, the own is not', async () => {
  const { neighbours, told, say } = start();
  await say(EDGE_UP, info('self'));
  await say(EDGE_UP, info('a'));
  await say(EDGE_UP, info('a'));
  expect(neighbours.forAgents).toEqual([{ id: 'a', region: 'eu', address: 'a.test:7000', boot: 'b1' }]);
  expect(told).toEqual(['change']);
});

it('agents are told of the workers of an edge as of one, which has started when its workers have', async () => {
  const { neighbours, say } = start();
  await say(EDGE_UP, info('a/1', { agents: 'a.test:7000', start: 's1' }));
  await say(EDGE_UP, info('a/2', { agents: 'a.test:7000', boot: 'b2', start: 's1' }));
  const told = { id: 'a', region: 'eu', address: 'a.test:7000', boot: 's1' };
  expect(neighbours.forAgents).toEqual([told]);
  await say(EDGE_UP, info('a/2', { agents: 'a.test:7000', boot: 'b3', start: 's1' }));
  expect(neighbours.forAgents).toEqual([told]);
});

it('agents are told of none that drains, takes no agents or has been silent', async () => {
  const { say, ids } = start();
  await say(EDGE_UP, info('a'));
  const { agents: _, ...closed } = info('b');
  await say(EDGE_UP, closed);
  await say(EDGE_UP, info('c', { draining: true }));
  expect(ids()).toEqual(['a']);
  vi.advanceTimersByTime(11_001);
  expect(ids()).toEqual([]);
});

it('an edge that goes silent, and one that is heard again, is told once', async () => {
  const { told, say, ids } = start();
  await say(EDGE_UP, info('a'));
  for (let second = 0; second < 30; second += 3) {
    await say(EDGE_UP, info('b', { boot: 'b9' }));
    vi.advanceTimersByTime(3_000);
  }
  expect(told).toEqual(['change', 'change', 'silent a', 'change']);
  expect(ids()).toEqual(['b']);
  await say(EDGE_UP, info('a'));
  expect(told.slice(4)).toEqual(['heard again a', 'change']);
  expect(ids()).toEqual(['a', 'b']);
});

it('silence says nothing while no signals can be heard', async () => {
  const { told, say, own } = start();
  await say(EDGE_UP, info('a'));
  await own.close();
  vi.advanceTimersByTime(60_000);
  expect(told).toEqual(['change']);
});

it('an edge that drains or comes back is a change', async () => {
  const { told, say, ids } = start();
  await say(EDGE_UP, info('a'));
  await say(EDGE_UP, info('a', { draining: true }));
  expect([told, ids()]).toEqual([['change', 'change'], []]);
});

it('an edge that leaves or starts anew is gone; the last words of an earlier life change nothing', async () => {
  const { told, say, ids } = start();
  await say(EDGE_UP, info('a'));
  await say(EDGE_UP, info('a', { boot: 'b2' }));
  // Agents that gave the first one up are to hear of the second.
  expect(told).toEqual(['change', 'gone a', 'change']);
  await say(EDGE_LEFT, { id: 'a', boot: 'b1' });
  expect(ids()).toEqual(['a']);
  await say(EDGE_LEFT, { id: 'a', boot: 'b2' });
  expect(ids()).toEqual([]);
  expect(told).toEqual(['change', 'gone a', 'change', 'gone a', 'change']);
});

it('an edge that is being replaced by its successor is the successor, whatever the earlier one still says', async () => {
  const { told, say, neighbours } = start();
  await say(EDGE_UP, info('a'));
  await say(EDGE_UP, info('a', { boot: 'b2' }));
  for (let n = 0; n < 3; n++) {
    await say(EDGE_UP, info('a', { draining: true }));
    await say(EDGE_UP, info('a', { boot: 'b2' }));
  }
  expect(told).toEqual(['change', 'gone a', 'change']);
  expect(neighbours.forAgents).toEqual([{ id: 'a', region: 'eu', address: 'a.test:7000', boot: 'b2' }]);
});
