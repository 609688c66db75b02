import { setTimeout as sleep } from 'node:timers/promises';
import { HeldConnection } from '../held-connection.ts';
import { residentKib } from '../procfs.ts';
import type { Figures } from '../statistics.ts';
import { column, type Case, type Taken, type Visit } from './case.ts';
import { meteredVisit } from './cost.ts';

/** The first connections also pay for warming up; the further ones show what a connection alone costs. */
const FIRST = 1_000;
const FURTHER = 2_000;

/** How long, in milliseconds, memory may settle before it is read. */
const SETTLE_MS = 3_000;

export const idle: Case = {
  name: 'idle',
  title: '1,000 idle kept-alive client connections after a fresh start, one request each; then 2,000 more',
  start: 'own',
  columns: [
    column('server KiB/connection', 'kibServer', 1),
    column('agent KiB/connection', 'kibAgent', 1),
    column('server KiB/further one', 'furtherKibServer', 1),
    column('agent KiB/further one', 'furtherKibAgent', 1),
    column('server MiB at 1,000', 'rssServer'),
    column('agent MiB at 1,000', 'rssAgent'),
    column('of 1,000 still usable', 'usable'),
  ],
  compared: [column('server KiB/connection', 'kibServer', 1)],
  async measure(visit: Visit): Promise<Taken> {
    const { result, usage } = await meteredVisit(visit, () => measureIdle(visit));
    return { figures: result, noise: usage.noise };
  },
};

async function measureIdle(visit: Visit): Promise<Figures> {
  const held: HeldConnection[] = [];
  try {
    const fresh = await settledMemory(visit);
    await hold(visit, FIRST, held);
    const first = await settledMemory(visit);
    await hold(visit, FURTHER, held);
    const further = await settledMemory(visit);
    return { ...figures(visit, { fresh, first, further }), usable: await countUsable(held.slice(0, FIRST)) };
  } finally {
    held.forEach((connection) => connection.close());
  }
}

async function hold({ running }: Visit, count: number, held: HeldConnection[]): Promise<void> {
  for (let opened = 0; opened < count; opened += 1) {
    const connection = await HeldConnection.open(running);
    held.push(connection);
    await connection.get();
  }
}

/** Resident KiB of each role. */
interface Memory {
  readonly server: number;
  readonly agent: number;
}

async function settledMemory({ running }: Visit): Promise<Memory> {
  await sleep(SETTLE_MS);
  return { server: residentKib(running.pids('server')), agent: residentKib(running.pids('agent')) };
}

type Memories = Readonly<Record<'fresh' | 'first' | 'further', Memory>>;

function figures({ running }: Visit, { fresh, first, further }: Memories): Figures {
  return {
    kibServer: (first.server - fresh.server) / FIRST,
    furtherKibServer: (further.server - first.server) / FURTHER,
    rssServer: first.server / 1024,
    ...(running.roles.includes('agent') && {
      kibAgent: (first.agent - fresh.agent) / FIRST,
      furtherKibAgent: (further.agent - first.agent) / FURTHER,
      rssAgent: first.agent / 1024,
    }),
  };
}

async function countUsable(connections: readonly HeldConnection[]): Promise<number> {
  let usable = 0;
  for (const connection of connections) usable += (await connection.get().catch(() => 0)) === 200 ? 1 : 0;
  return usable;
}
