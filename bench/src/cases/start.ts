import { setTimeout as sleep } from 'node:timers/promises';
import { residentKib } from '../procfs.ts';
import { Running } from '../running.ts';
import { column, type Case, type Taken, type Visit } from './case.ts';
import { meteredVisit } from './cost.ts';

/** How long, in milliseconds, a fresh process may settle before its memory is read. */
const SETTLE_MS = 1_000;

export const start: Case = {
  name: 'start',
  title: 'second start: time and memory',
  start: 'own',
  columns: [
    column('server ready ms', 'serverReady'),
    column('first answer ms', 'firstAnswer'),
    column('server MiB', 'rssServer', 1),
    column('agent MiB', 'rssAgent', 1),
    column('control MiB', 'rssControl', 1),
  ],
  compared: [],
  async measure(visit: Visit): Promise<Taken> {
    await visit.running.stop();
    const { result, usage } = await meteredVisit(visit, () => secondStart(visit));
    return { figures: result, noise: usage.noise };
  },
};

async function secondStart(visit: Visit): Promise<Record<string, number>> {
  const again = await Running.start(visit.stage, visit.contestant, visit.upstream);
  try {
    await sleep(SETTLE_MS);
    const memory = again.roles.map((role) => [RSS[role], residentKib(again.pids(role)) / 1024] as const);
    return {
      serverReady: again.serverReadyMs,
      firstAnswer: again.firstAnswerMs,
      ...Object.fromEntries(memory),
    };
  } finally {
    await again.stop();
  }
}

const RSS = { server: 'rssServer', agent: 'rssAgent', control: 'rssControl' } as const;
