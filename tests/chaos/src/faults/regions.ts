import { setTimeout as delay } from 'node:timers/promises';
import type { TcpProxy } from '@culvert/testkit';
import type { Fault } from '../fault.ts';
import { EVERYTHING } from '../outcome.ts';
import { TWO_REGIONS } from '../site/plan.ts';
import type { Site } from '../site/site.ts';

const VIEWS_MS = 10_000;
const FAR_MS = 60;

/** All that connects the two regions; the registry is in the first. */
function between(site: Site): readonly TcpProxy[] {
  return [
    ...site.bus.paths,
    ...site.edges.map(({ paths }) => paths.peers),
    ...site.routers.filter(({ region }) => region === 'us').flatMap(({ paths }) => paths.redis),
  ];
}

/** Clients ask for what each region can serve itself. */
function parting(name: string, law: string, part: (path: TcpProxy) => void): Fault {
  return {
    name,
    law: `${law}: each goes on with its own agents, and views agree within 10 s of the heal`,
    plan: TWO_REGIONS,
    bounds: { unfailing: EVERYTHING, viewsMs: VIEWS_MS },
    tunnels: ['shop'],
    async run(stage) {
      for (const path of between(stage.site)) part(path);
      await delay(stage.pace.outageMs / 2);
      // What the other region has to learn afterwards: fewer sessions, and others.
      await Promise.all(['wiki-1', 'wiki-2'].map((name) => stage.site.agent(name).service.stop('SIGKILL')));
      await stage.site.agent('wiki-1').service.start();
      await delay(stage.pace.outageMs / 2);
      for (const path of between(stage.site)) path.heal();
      stage.isOver();
    },
  };
}

/** Two regions that lose sight of each other. */
export const REGIONS: readonly Fault[] = [
  parting('regions-cut', 'two regions are cut off from each other', (path) => path.cut()),
  parting('regions-hole', 'two regions hear nothing of each other', (path) => path.blackHole()),
  {
    name: 'regions-far',
    law: 'two regions are far from each other: nothing fails',
    plan: TWO_REGIONS,
    bounds: { unfailing: EVERYTHING, viewsMs: VIEWS_MS },
    async run(stage) {
      for (const path of between(stage.site)) path.delay(FAR_MS);
      await delay(stage.pace.disturbanceMs);
      for (const path of between(stage.site)) path.heal();
      stage.isOver();
    },
  },
];
