import { BenchFault } from '../fault.ts';
import { metered, type Usage, type Watch } from '../meter.ts';
import type { Figures } from '../statistics.ts';
import type { Taken, Visit } from './case.ts';

export type Watched = 'server' | 'agent' | 'control' | 'upstream';

/** Does some work and measures what the contestant and the upstream spend on it. */
export function meteredVisit<T>(
  { running, upstream }: Visit,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly usage: Usage<Watched> }> {
  const watches: Record<Watched, Watch> = {
    server: () => running.pids('server'),
    agent: () => running.pids('agent'),
    control: () => running.pids('control'),
    upstream: () => upstream.actor.pids(),
  };
  return metered(watches, work);
}

/** CPU of each role that there is, in `scale` parts of a second for each of `units`: `cpuServer` and so on. */
export function cpuFigures(visit: Visit, { cpu }: Usage<Watched>, units: number, scale: number): Figures {
  const cost = (name: Watched): number => (cpu[name] / units) * scale;
  const has = new Set<Watched>(visit.running.roles);
  return {
    ...(has.has('server') && { cpuServer: cost('server') }),
    ...(has.has('agent') && { cpuAgent: cost('agent') }),
    ...(has.has('control') && { cpuControl: cost('control') }),
    cpuUpstream: cost('upstream'),
  };
}

/** Peak resident memory in MiB of server and agent: `rssServer`, `rssAgent`. */
export function memoryFigures({ running }: Visit, { peakKib }: Usage<Watched>): Figures {
  return {
    ...(running.roles.includes('server') && { rssServer: peakKib.server / 1024 }),
    ...(running.roles.includes('agent') && { rssAgent: peakKib.agent / 1024 }),
  };
}

/** Counts of a load generator: how many requests it got answered, and what else it tells. */
export type Counted = Figures & { readonly requests: number; readonly errors: number };

/** Warms up, then drives for as long as a run lasts: what was counted, and what each request cost. */
export async function measureLoad(
  visit: Visit,
  drive: (seconds: number) => Promise<Counted>,
): Promise<Taken> {
  await drive(visit.warmSeconds);
  const { result, usage } = await meteredVisit(visit, () => drive(visit.seconds));
  const { requests: done, ...counted } = result;
  if (done === 0) throw new BenchFault(`not one request was answered, ${counted['errors']} failed`);
  const figures = { ...counted, ...cpuFigures(visit, usage, done, 1e6), ...memoryFigures(visit, usage) };
  return { figures, noise: usage.noise };
}
