import { eventually } from '@culvert/testkit';
import { expect, it } from 'vitest';
import type { EdgeStatus } from './edge-status.ts';
import { startInstallation, startTestEdge } from './testing/edge-kit.ts';
import type { TestEdge } from './testing/edge-kit.ts';
import { TUNNEL } from './testing/router-double.ts';

const MORE = {
  secret: 'cluster-secret',
  peers: { listen: '127.0.0.1:0' },
  admin: { listen: '127.0.0.1:0' },
};

const statusOf = async ({ adminPort }: TestEdge): Promise<EdgeStatus> =>
  (await (await fetch(`http://127.0.0.1:${adminPort}/status`)).json()) as EdgeStatus;

it('an edge tells its own sessions, where it believes other pools to be, and its neighbours', async () => {
  const { bus, edge: near } = await startInstallation(MORE);
  const far = await startTestEdge({ id: 'us-1', region: 'us', ...MORE }, bus);
  const agent = await far.attach();
  agent.serve = (stream) => void stream.ok();
  expect((await (await near.connect()).request().response()).status).toBe(200);

  const own = await statusOf(far);
  expect(own).toMatchObject({ edge: 'us-1', region: 'us', draining: false, signals: 'connected' });
  expect(own.pools).toHaveLength(1);
  expect(own.pools[0]).toMatchObject({ tunnel: TUNNEL, sessions: [{ links: 1, draining: false }] });
  const { boot } = own;

  const other = await statusOf(near);
  expect(other.pools).toEqual([]);
  expect(other.neighbours).toMatchObject([{ edge: 'us-1', region: 'us', boot, draining: false }]);
  expect(other.holders).toMatchObject([
    { tunnel: TUNNEL, pools: [{ edge: 'us-1', boot, sessions: 1, draining: false }] },
  ]);

  await far.running.drain();
  await eventually(async () => {
    const { neighbours, holders } = await statusOf(near);
    return neighbours.length === 0 && holders.every(({ pools }) => pools.length === 0);
  });
});
