import { setTimeout as delay } from 'node:timers/promises';
import type { Fault, Stage } from '../fault.ts';
import { footprintOf, growth } from '../footprint.ts';
import type { Footprint } from '../footprint.ts';
import { EVERYTHING } from '../outcome.ts';
import { ONE_PLACE } from '../site/plan.ts';
import type { Site } from '../site/site.ts';

const SAMPLE_MS = 2_000;
/** Of the time, at the beginning, in which heaps find their size. */
const SETTLING = 1 / 3;
/** What still counts as flat over the rest of the time: garbage comes and goes. */
const MEMORY_SHARE = 0.1;
const MEMORY_BYTES = 8 * 1_048_576;
const DESCRIPTORS = 8;

interface Watched {
  readonly name: string;
  readonly pid: number;
  readonly samples: Footprint[];
}

function processesOf({ edges, routers, agents }: Site): Watched[] {
  const named = [
    ...edges.map(({ id, service }) => ({ name: id, service })),
    ...routers.map(({ service }, n) => ({ name: `router-${n + 1}`, service })),
    ...agents.map(({ name, service }) => ({ name, service })),
  ];
  return named.map(({ name, service }) => ({ name, pid: service.process.pid, samples: [] }));
}

async function soak(stage: Stage): Promise<void> {
  const watched = processesOf(stage.site);
  const endsAt = performance.now() + stage.pace.soakMs;
  const countsFrom = performance.now() + stage.pace.soakMs * SETTLING;
  while (performance.now() < endsAt) {
    await delay(SAMPLE_MS);
    for (const { pid, samples } of watched) samples.push(footprintOf(pid));
  }
  for (const { name, samples } of watched) {
    stage.chart(name, samples);
    judge({ name, samples: samples.filter(({ at }) => at >= countsFrom) }, stage);
  }
  stage.isOver();
}

function judge({ name, samples }: Pick<Watched, 'name' | 'samples'>, stage: Stage): void {
  const memory = growth(samples.map(({ at, memoryBytes }) => ({ at, value: memoryBytes })));
  const descriptors = growth(samples.map((sample) => ({ at: sample.at, value: sample.descriptors })));
  const first = samples[0]!;
  const mebibytes = (bytes: number): number => bytes / 1_048_576;
  stage.measure(
    `memory of ${name} grew by`,
    mebibytes(memory),
    mebibytes(first.memoryBytes * MEMORY_SHARE + MEMORY_BYTES),
    'MiB',
  );
  stage.measure(`descriptors of ${name} grew by`, descriptors, DESCRIPTORS, '');
}

/** Hours in little: nothing is broken, and nothing may grow. */
export const SOAK: readonly Fault[] = [
  {
    name: 'soak',
    law: 'under steady load memory and file descriptors stay flat, and nothing fails',
    plan: ONE_PLACE,
    longOnly: true,
    bounds: { unfailing: EVERYTHING, viewsMs: 10_000 },
    run: soak,
  },
];
