import { grouped, millis, rate } from '../figure.ts';
import { percentile } from '../percentile.ts';
import { hostname } from '../population.ts';
import type { Simulation } from '../simulation.ts';
import { spread } from '../spread.ts';

const STAGE = 'resolve';
const ALONE = 2_000;
const TOGETHER = 20_000;
const WIDTH = 64;
/** Look-ups that are timed as one: a single one is shorter than the clock's tick. */
const BATCH = 100;

/** A hostname that no edge has asked for (edge, NATS, router, Redis and back), and one that the edge knows. */
export async function resolveNames({ size, edges, figures }: Simulation): Promise<void> {
  const names = { next: 0 };
  const fresh = (): string => hostname((names.next++ * 104_729) % size.hostnames);
  const cold = async (count: number, width: number): Promise<{ times: number[]; took: number }> => {
    const times: number[] = [];
    const began = performance.now();
    await spread(count, width, async (n) => {
      const name = fresh();
      const at = performance.now();
      await edges[n % edges.length]!.resolver.resolve(name);
      times.push(performance.now() - at);
    });
    return { times, took: performance.now() - began };
  };
  const alone = await cold(Math.min(ALONE, size.hostnames / 10), 1);
  figures.add(
    STAGE,
    'cold, one after the other: p50, p99',
    `${millis(percentile(alone.times, 0.5))}, ${millis(percentile(alone.times, 0.99))}`,
  );
  const together = await cold(Math.min(TOGETHER, size.hostnames / 2), WIDTH);
  figures.add(
    STAGE,
    `cold, ${WIDTH} at a time: p50, p99`,
    `${millis(percentile(together.times, 0.5))}, ${millis(percentile(together.times, 0.99))}`,
  );
  figures.add(STAGE, `cold, ${WIDTH} at a time`, rate(together.times.length, together.took / 1_000, 'names'));
  const cached = await cachedTimes(edges[0]!.resolver);
  figures.add(
    STAGE,
    'cached: p50, p99',
    `${grouped(percentile(cached, 0.5) * 1e6)} ns, ${grouped(percentile(cached, 0.99) * 1e6)} ns`,
  );

  async function cachedTimes(resolver: (typeof edges)[number]['resolver']): Promise<number[]> {
    const known = Array.from({ length: 1_000 }, (_, n) => hostname(n));
    await spread(known.length, WIDTH, (n) => resolver.resolve(known[n]!));
    const times: number[] = [];
    for (let round = 0; round < 2_000; round += 1) {
      const at = performance.now();
      for (let n = 0; n < BATCH; n += 1)
        resolver.known(known[(round * BATCH + n) % known.length]!)?.match('/');
      times.push((performance.now() - at) / BATCH);
    }
    return times;
  }
}
