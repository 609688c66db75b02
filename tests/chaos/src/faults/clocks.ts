import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from '../fault.ts';
import { EVERYTHING } from '../outcome.ts';
import { WRONG_CLOCKS } from '../site/plan.ts';

/** An edge's lease lasts 10 s: longer than that, so that a wrong clock would have ended one. */
const LEASES_MS = 11_000;

/** Clocks of hosts that are wrong, each in its own way. */
export const CLOCKS: readonly Fault[] = [
  {
    name: 'clocks-wrong',
    law: 'the clocks of all hosts are wrong by minutes to months, while routers and agents are restarted: nothing fails',
    plan: WRONG_CLOCKS,
    bounds: { unfailing: EVERYTHING, viewsMs: 10_000 },
    async run(stage) {
      const { site } = stage;
      for (const { service } of [site.agent('wiki-1'), site.routers[0]!, site.agent('shop-1')]) {
        const { status } = await service.stop('SIGTERM');
        stage.require(`${service.file} ends with 0`, status === 0);
        await service.start();
      }
      await delay(LEASES_MS);
      stage.isOver();
    },
  },
];
