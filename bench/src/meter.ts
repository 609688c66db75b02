import { cpuSeconds, machineSeconds, ownSeconds, residentKib } from './procfs.ts';
import { availableParallelism } from 'node:os';

/** Finds the processes of one role anew each time: a server may start and end workers. */
export type Watch = () => readonly number[];

/** What some work cost the watched roles. */
export interface Usage<Name extends string> {
  readonly seconds: number;
  readonly cpu: Readonly<Record<Name, number>>;
  readonly peakKib: Readonly<Record<Name, number>>;
  /** Share (0 to 1) of the machine that neither the watched, the generators nor the bench used. */
  readonly noise: number;
}

/** How often, in milliseconds, resident memory is looked at for its peak. */
const SAMPLE_MS = 200;

/** Does some work and measures what the watched roles use meanwhile; generators must be waited for within it. */
export async function metered<T, Name extends string>(
  watches: Readonly<Record<Name, Watch>>,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly usage: Usage<Name> }> {
  const peakKib = each(watches, () => 0);
  const sample = (): void => {
    for (const name of names(watches)) peakKib[name] = Math.max(peakKib[name], residentKib(watches[name]()));
  };
  const timer = setInterval(sample, SAMPLE_MS);
  const before = reading(watches);
  try {
    const result = await work();
    const after = reading(watches);
    sample();
    return { result, usage: { ...difference(before, after), peakKib } };
  } finally {
    clearInterval(timer);
  }
}

interface Reading<Name extends string> {
  readonly at: number;
  readonly cpu: Record<Name, number>;
  /** The bench itself with the generators it has waited for. */
  readonly bench: number;
  readonly machine: number;
}

function reading<Name extends string>(watches: Readonly<Record<Name, Watch>>): Reading<Name> {
  const { own, reaped } = ownSeconds();
  return {
    at: performance.now(),
    cpu: each(watches, (name) => cpuSeconds(watches[name]())),
    bench: own + reaped,
    machine: machineSeconds(),
  };
}

function difference<Name extends string>(
  before: Reading<Name>,
  after: Reading<Name>,
): Omit<Usage<Name>, 'peakKib'> {
  const seconds = (after.at - before.at) / 1_000;
  const cpu = each(before.cpu, (name) => after.cpu[name] - before.cpu[name]);
  const watched = names(cpu).reduce((total, name) => total + cpu[name], 0);
  const other = after.machine - before.machine - (after.bench - before.bench) - watched;
  return { seconds, cpu, noise: other / seconds / availableParallelism() };
}

function names<Name extends string>(record: Readonly<Record<Name, unknown>>): Name[] {
  return Object.keys(record) as Name[];
}

function each<Name extends string>(
  record: Readonly<Record<Name, unknown>>,
  value: (name: Name) => number,
): Record<Name, number> {
  return Object.fromEntries(names(record).map((name) => [name, value(name)])) as Record<Name, number>;
}
