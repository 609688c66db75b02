import { setTimeout as sleep } from 'node:timers/promises';
import { HeldConnection } from '../held-connection.ts';
import { residentKib } from '../procfs.ts';
import { column, type Case, type Taken, type Visit } from './case.ts';
import { meteredVisit } from './cost.ts';

/** The first connections pay for warming up; what the others add is the price of a connection. */
const FIRST = { connections: 200, requests: 10 };
const COUNTED = { connections: 1_000, requests: 1 };

/** How long, in milliseconds, memory may settle before it is read. */
const SETTLE_MS = 3_000;

export const idle: Case = {
  name: 'idle',
  title: '1,000 idle kept-alive client connections (one request each), beside 200 that were there before',
  start: 'own',
  columns: [
    column('server KiB/connection', 'kibServer', 1),
    column('agent KiB/connection', 'kibAgent', 1),
    column('server MiB', 'rssServer'),
    column('agent MiB', 'rssAgent'),
    column('still usable', 'usable'),
  ],
  compared: [column('server KiB/connection', 'kibServer', 1)],
  async measure(visit: Visit): Promise<Taken> {
    const { result, usage } = await meteredVisit(visit, () => measureIdle(visit));
    return { figures: result, noise: usage.noise };
  },
};

async function measureIdle(visit: Visit): Promise<Record<string, number>> {
  const held: HeldConnection[] = [];
  try {
    await hold(visit, FIRST, held);
    const before = await settledMemory(visit);
    await hold(visit, COUNTED, held);
    const after = await settledMemory(visit);
    return { ...figures(visit, before, after), usable: await countUsable(held.slice(FIRST.connections)) };
  } finally {
    held.forEach((connection) => connection.close());
  }
}

async function hold({ running }: Visit, batch: typeof FIRST, held: HeldConnection[]): Promise<void> {
  for (let opened = 0; opened < batch.connections; opened += 1) {
    const connection = await HeldConnection.open(running);
    held.push(connection);
    for (let asked = 0; asked < batch.requests; asked += 1) await connection.get();
  }
}

interface Memory {
  readonly server: number;
  readonly agent: number;
}

async function settledMemory({ running }: Visit): Promise<Memory> {
  await sleep(SETTLE_MS);
  return { server: residentKib(running.pids('server')), agent: residentKib(running.pids('agent')) };
}

function figures({ running }: Visit, before: Memory, after: Memory): Record<string, number> {
  const added = (role: keyof Memory): number => (after[role] - before[role]) / COUNTED.connections;
  return {
    kibServer: added('server'),
    rssServer: after.server / 1024,
    ...(running.roles.includes('agent') && { kibAgent: added('agent'), rssAgent: after.agent / 1024 }),
  };
}

async function countUsable(connections: readonly HeldConnection[]): Promise<number> {
  let usable = 0;
  for (const connection of connections) usable += (await connection.get().catch(() => 0)) === 200 ? 1 : 0;
  return usable;
}
