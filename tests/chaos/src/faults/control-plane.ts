import { setTimeout as delay } from 'node:timers/promises';
import type { ServerProcess } from '@culvert/testkit';
import type { Fault, Stage } from '../fault.ts';
import { EVERYTHING } from '../outcome.ts';
import { ONE_PLACE } from '../site/plan.ts';

const VIEWS_MS = 10_000;

/** All of these fail nothing: edges go on with what they know. */
function outage(
  name: string,
  law: string,
  run: (stage: Stage) => Promise<void>,
  more: Partial<Fault> = {},
): Fault {
  return {
    name,
    law: `${law}: nothing fails`,
    plan: ONE_PLACE,
    bounds: { unfailing: EVERYTHING, viewsMs: VIEWS_MS },
    run,
    ...more,
  };
}

async function kill(servers: readonly ServerProcess[], { pace }: Stage): Promise<void> {
  await Promise.all(servers.map((server) => server.stop('SIGKILL')));
  await delay(pace.outageMs);
  await Promise.all(servers.map((server) => server.start()));
}

async function freeze(servers: readonly ServerProcess[], { pace }: Stage): Promise<void> {
  for (const server of servers) server.pause();
  await delay(pace.outageMs);
  for (const server of servers) server.resume();
}

async function killRouters({ site, pace }: Stage): Promise<void> {
  await Promise.all(site.routers.map(({ service }) => service.stop('SIGKILL')));
  await delay(pace.outageMs);
  await Promise.all(site.routers.map(({ service }) => service.start()));
}

/** Redis, NATS and routers that are away, slow or divided. */
export const CONTROL_PLANE: readonly Fault[] = [
  outage('redis-emptied', 'Redis is away and comes back empty', async (stage) => {
    await kill([stage.site.redis.process], stage);
    stage.isOver();
  }),
  outage(
    'redis-frozen',
    'Redis does not answer',
    async (stage) => {
      await freeze([stage.site.redis.process], stage);
      stage.isOver();
    },
    { longOnly: true },
  ),
  outage('nats-away', 'all NATS servers are away', async (stage) => {
    await kill(stage.site.bus.servers, stage);
    stage.isOver();
  }),
  outage(
    'nats-frozen',
    'no NATS server answers',
    async (stage) => {
      await freeze(stage.site.bus.servers, stage);
      stage.isOver();
    },
    { longOnly: true },
  ),
  outage('nats-one-killed', 'one of three NATS servers is killed', async (stage) => {
    await kill(stage.site.bus.servers.slice(0, 1), stage);
    stage.isOver();
  }),
  outage('nats-one-frozen', 'one of three NATS servers hangs', async (stage) => {
    await freeze(stage.site.bus.servers.slice(0, 1), stage);
    stage.isOver();
  }),
  outage('nats-parted', 'the NATS cluster falls apart', async (stage) => {
    stage.site.bus.part();
    await delay(stage.pace.outageMs / 2);
    // What the other edges have to learn afterwards.
    await stage.site.agent('wiki-2').service.stop('SIGTERM');
    await delay(stage.pace.outageMs / 2);
    stage.site.bus.join();
    stage.isOver();
  }),
  outage('routers-away', 'all routers are gone', async (stage) => {
    await killRouters(stage);
    stage.isOver();
  }),
  outage(
    'control-plane-away',
    'Redis, NATS and all routers are gone',
    async (stage) => {
      const { redis, bus } = stage.site;
      await Promise.all([kill([redis.process, ...bus.servers], stage), killRouters(stage)]);
      stage.isOver();
    },
    { longOnly: true },
  ),
];
