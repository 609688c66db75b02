import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '@culvert/testkit';
import type { Fault, Stage } from '../fault.ts';
import { EVERYTHING } from '../outcome.ts';
import { BEHIND_SENTINELS, ON_CLUSTER } from '../site/plan.ts';

const VIEWS_MS = 10_000;
/** Sentinels that have to agree with themselves on a machine that does other things, ms. */
const FAILOVER_MS = 60_000;

/** What the registry has to learn meanwhile: an agent that comes back under another session. */
async function change({ site }: Stage): Promise<void> {
  const { service } = site.agent('wiki-1');
  await service.stop('SIGTERM');
  await service.start();
}

async function failOver(stage: Stage): Promise<void> {
  const { sentinels } = stage.site;
  const before = await sentinels.masterPort();
  const master = [sentinels.master, sentinels.replica].find(({ process }) => process.port === before)!;
  await master.process.stop('SIGKILL');
  await change(stage);
  await eventually(async () => (await sentinels.masterPort()) !== before, { timeoutMs: FAILOVER_MS });
  await delay(stage.pace.calmMs);
  await change(stage);
  // It comes back as a replica.
  await master.process.start();
  stage.isOver();
}

/** Keys of edges with their sessions; all the others are those of tunnels and routes. */
const OF_EDGES = '*{e*';

async function moveSlots(stage: Stage): Promise<void> {
  const { ports } = stage.site.cluster;
  let moved = 0;
  for (const [n, port] of ports.entries()) {
    const to = ports[(n + 1) % ports.length]!;
    moved += await stage.site.cluster.moveSlots(port, to, stage.pace.everyone ? '*' : OF_EDGES);
  }
  await change(stage);
  stage.require('there were slots to move', moved > 0);
  stage.isOver();
}

/** A registry that moves while it is used. */
export const REGISTRY: readonly Fault[] = [
  {
    name: 'redis-failover',
    law: 'the master of Redis is killed, and sentinels make its replica the master: nothing fails',
    plan: BEHIND_SENTINELS,
    bounds: { unfailing: EVERYTHING, viewsMs: VIEWS_MS },
    run: failOver,
  },
  {
    name: 'redis-slots-moved',
    law: 'the slots of a node of Redis Cluster move to another node, one after the other: nothing fails',
    plan: ON_CLUSTER,
    bounds: { unfailing: EVERYTHING, viewsMs: VIEWS_MS },
    run: moveSlots,
  },
];
