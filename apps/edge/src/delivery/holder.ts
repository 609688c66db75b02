import type { PoolInfo } from '@culvert/signals';
import { Health } from '../pool/ejection.ts';

/** Round trips that differ by no more are equally near: 5 ms, or a fifth. */
const NEAR_MS = 5;
const NEAR_FACTOR = 1.2;

/** Another edge's pool of one tunnel. The same object for as long as that edge holds one. */
export class Holder {
  pool: PoolInfo;
  readonly health = new Health();
  /** What it has to go without, or has had in advance, of its share. */
  turns = 0;
  /** When it was first asked without an answer since its last one; `performance.now()`. */
  silentSince: number | undefined;

  /** Streams in a row that nobody behind it has acknowledged. */
  unanswered = 0;

  constructor(pool: PoolInfo) {
    this.pool = pool;
  }

  /** Whether an answer is news of it. */
  get hasFailed(): boolean {
    return this.health.failures > 0 || this.unanswered > 0;
  }
}

/** What a choice needs to know of the way to a holder; undefined where there is none at the moment. */
export interface Distance {
  /** ms; Infinity until it was measured. */
  roundTripMs(holder: Holder, condition: Condition): number | undefined;
}

/** Which holders come into question. */
export type Condition = 'well' | 'any';

/**
 * The holder that takes the next stream: of the own region first, those that drain last, then by round trip; the
 * equally near share the work by their sizes. Undefined when none is left that was not tried and can be reached.
 */
export function chooseHolder(
  holders: ReadonlyMap<string, Holder>,
  tried: readonly unknown[],
  condition: Condition,
  region: string,
  distance: Distance,
): Holder | undefined {
  const now = performance.now();
  let rank = Infinity;
  let nearestMs = Infinity;
  for (const holder of holders.values()) {
    const own = rankOf(holder, region);
    const roundTripMs = own > rank ? undefined : usable(holder, tried, condition, distance, now);
    if (roundTripMs === undefined) continue;
    nearestMs = own < rank ? roundTripMs : Math.min(nearestMs, roundTripMs);
    rank = own;
  }
  if (rank === Infinity) return undefined;
  const withinMs = Math.max(nearestMs + NEAR_MS, nearestMs * NEAR_FACTOR);
  let best: Holder | undefined;
  let returning: Holder | undefined;
  let total = 0;
  for (const holder of holders.values()) {
    if (rankOf(holder, region) !== rank) continue;
    const roundTripMs = usable(holder, tried, condition, distance, now);
    if (roundTripMs === undefined || roundTripMs > withinMs) continue;
    if (condition === 'well' && !holder.health.takesTurn(now)) {
      returning ??= holder;
      continue;
    }
    total += holder.pool.sessions;
    holder.turns += holder.pool.sessions;
    if (best === undefined || holder.turns > best.turns) best = holder;
  }
  if (best === undefined) return returning;
  best.turns -= total;
  return best;
}

/** Lower is better. */
export function rankOf({ pool }: Holder, region: string): number {
  if (pool.draining) return 2;
  return pool.region === region ? 0 : 1;
}

function usable(
  holder: Holder,
  tried: readonly unknown[],
  condition: Condition,
  distance: Distance,
  now: number,
): number | undefined {
  if (tried.includes(holder) || (condition === 'well' && holder.health.isOut(now))) return undefined;
  return distance.roundTripMs(holder, condition);
}
