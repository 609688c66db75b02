import { setTimeout as sleep } from 'node:timers/promises';
import { BenchFault } from './fault.ts';

/** How often and how long, in milliseconds, to look for something that cannot be awaited. */
export interface Patience {
  readonly what: string;
  readonly every: number;
  readonly within: number;
}

/** Looks until `probe` returns something other than undefined; throws a BenchFault when time is up. */
export async function until<T>(
  probe: () => Promise<T | undefined> | T | undefined,
  patience: Patience,
): Promise<T> {
  const deadline = performance.now() + patience.within;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (performance.now() > deadline)
      throw new BenchFault(`no ${patience.what} within ${patience.within} ms`);
    await sleep(patience.every);
  }
}
