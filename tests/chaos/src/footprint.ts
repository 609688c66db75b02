import { readFileSync, readdirSync } from 'node:fs';

/** What a process takes of its machine at one moment. Linux only. */
export interface Footprint {
  /** ms on the monotonic clock. */
  readonly at: number;
  readonly memoryBytes: number;
  readonly descriptors: number;
}

export function footprintOf(pid: number): Footprint {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const memoryBytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
  return { at: performance.now(), memoryBytes, descriptors: readdirSync(`/proc/${pid}/fd`).length };
}

/** Least squares: by how much a value grows over the whole span of its samples. */
export function growth(samples: readonly { readonly at: number; readonly value: number }[]): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [at, value] = [mean(samples.map((one) => one.at)), mean(samples.map((one) => one.value))];
  const spread = samples.reduce((sum, one) => sum + (one.at - at) ** 2, 0);
  if (spread === 0) return 0;
  const slope = samples.reduce((sum, one) => sum + (one.at - at) * (one.value - value), 0) / spread;
  return slope * (samples.at(-1)!.at - samples[0]!.at);
}
