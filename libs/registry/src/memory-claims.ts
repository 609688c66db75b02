import type { SessionInfo } from '@culvert/signals';
import type { Claim } from './records.ts';
import type { RegistryTimes } from './registry.ts';
import { claimIds } from './route-id.ts';

interface Hold {
  readonly tunnel: string;
  /** Of the token that made the claim. */
  readonly digest: string;
  readonly until: number;
}

/** Which tunnel holds which claim until when, by the route's id. */
export class MemoryClaims {
  readonly #holds = new Map<string, Hold>();
  readonly #times: RegistryTimes;
  readonly #now: () => number;

  constructor(times: RegistryTimes, now: () => number) {
    this.#times = times;
    this.#now = now;
  }

  hold(id: string, { digest, tunnel }: Claim): 'held' | 'taken' {
    const hold = this.#holds.get(id);
    const foreign = hold !== undefined && hold.tunnel !== tunnel && hold.digest !== digest;
    if (foreign && hold.until > this.#now()) return 'taken';
    const maker = hold?.tunnel === tunnel ? hold.digest : digest;
    this.#holds.set(id, { tunnel, digest: maker, until: this.#graceFromNow() });
    return 'held';
  }

  /** Prolongs the claims of a living session, where its tunnel still holds them. */
  keep({ claims, tunnel }: SessionInfo): void {
    for (const id of claimIds(claims)) {
      const hold = this.#holds.get(id);
      if (hold?.tunnel === tunnel) this.#holds.set(id, { ...hold, until: this.#graceFromNow() });
    }
  }

  release(id: string): void {
    this.#holds.delete(id);
  }

  expired(): string[] {
    const now = this.#now();
    return [...this.#holds].filter(([, { until }]) => until <= now).map(([id]) => id);
  }

  /** A session outlives its last sign by a lease at most. */
  #graceFromNow(): number {
    return this.#now() + this.#times.leaseTtl + this.#times.claimGrace;
  }
}
