import { Herd } from '../herd.ts';
import type { Fault, Stage } from '../fault.ts';
import { READING } from '../mixture.ts';
import { QUICK } from '../outcome.ts';
import { at } from '../place.ts';
import { HERD_TUNNELS, ONE_PLACE } from '../site/plan.ts';
import { sessionsOf } from '../site/views.ts';

/** Agents that an edge takes in a second: `limits.sessionRate`. */
const RATE = 200;
/** For the first of them to notice, and for those that were asked to wait last, ms. */
const SLACK_MS = 30_000;
const HERD_IDS = HERD_TUNNELS.map(({ id }) => id);

async function storm(stage: Stage): Promise<void> {
  const { site, pace } = stage;
  const [first, second] = [site.edge('eu-1'), site.edge('eu-2')];
  const withinMs = SLACK_MS + (2 * pace.herd * 1_000) / RATE;
  const order = {
    agents: pace.herd,
    edges: [at(first.agents), at(second.agents)],
    tunnels: HERD_TUNNELS,
  };
  await using herd = await Herd.raise(order, withinMs);
  // Those that the rate has sent to the other edge lose nothing.
  const lost = await sessionsOf(first, HERD_IDS);
  const before = herd.attachments;
  stage.begins();
  const killedAt = performance.now();
  await first.service.stop('SIGKILL');
  await herd.attached(before + lost, 2 * withinMs);
  stage.measure(
    `${lost} of ${herd.size} agents were attached again after`,
    performance.now() - killedAt,
    withinMs,
    'ms',
  );
  await herd[Symbol.asyncDispose]();
  await first.service.start();
  stage.isOver();
}

/** Agents that come back all at once. */
export const STORMS: readonly Fault[] = [
  {
    name: 'reconnect-storm',
    law: 'an edge with a herd of agents is killed, and all of them come to another at once: nothing of those attached there fails, and all are attached again as fast as the rate allows',
    plan: ONE_PLACE,
    bounds: { unfailing: QUICK, viewsMs: 20_000 },
    work: READING,
    leftOut: () => ['eu-1'],
    run: storm,
  },
];
