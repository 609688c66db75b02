import { ResetCode } from '@culvert/wire';

/** When something that streams fail on is set aside, and for how long. Times in ms. */
export interface EjectionRules {
  /** Failures in a row of streams that had reached the service. One that reached nobody is enough by itself. */
  readonly failures: number;
  /** The first time; the n-th time in a short while lasts n times as long. */
  readonly base: number;
  readonly most: number;
  /** Percent of a pool that may be set aside; where more would be, all of it is tried. */
  readonly share: number;
}

/** Over how long something set aside gets its full share back, ms. */
const RETURN_MS = 10_000;
/** The least that it gets of its share meanwhile. */
const LEAST_SHARE = 0.1;

/** How something that streams are sent to has done of late: a session, or another edge's pool. */
export class Health {
  /** In a row. */
  failures = 0;
  /** Until when it is set aside, and from when on it has its full share; `performance.now()`. */
  outUntil = 0;
  wellAt = 0;
  /** How often it was set aside without having been well for long in between. */
  times = 0;
  #turns = 0;

  isOut(now: number): boolean {
    return now < this.outUntil;
  }

  /** Whether it takes this turn: while it returns, only some of them, evenly spread. */
  takesTurn(now: number): boolean {
    if (now >= this.wellAt) return true;
    const share = 1 - (this.wellAt - now) / RETURN_MS;
    this.#turns += Math.max(share, LEAST_SHARE);
    if (this.#turns < 1) return false;
    this.#turns -= 1;
    return true;
  }
}

/** Decides what is set aside. One an edge. */
export class Ejection {
  rules: EjectionRules;
  readonly #random: () => number;

  /** @param random a number in [0, 1) */
  constructor(rules: EjectionRules, random: () => number = Math.random) {
    this.rules = rules;
    this.#random = random;
  }

  /**
   * Notes a stream that was reset with the code. Returns for how long its target is now set aside, or 0.
   * @param behind how many there are behind the target, of which each may fail
   */
  failed(health: Health, code: number, behind = 1): number {
    const weight = WEIGHTS.get(code);
    if (weight === undefined) return 0;
    const now = performance.now();
    // Streams that were opened before, or for want of anything better, make it no longer.
    if (health.isOut(now)) return 0;
    health.failures++;
    const { failures } = this.rules;
    const enough = weight === 'counts' ? failures : Math.min(behind, failures);
    const returns = now < health.wellAt;
    if (!returns && health.failures < enough) return 0;
    return this.#setAside(health, now);
  }

  /** A stream was answered; only to be called where there were failures. */
  answered(health: Health): void {
    health.failures = 0;
    const now = performance.now();
    if (!health.isOut(now)) return;
    health.outUntil = now;
    health.wellAt = now + RETURN_MS;
  }

  #setAside(health: Health, now: number): number {
    const { base, most } = this.rules;
    health.times = now < health.wellAt + most ? health.times + 1 : 1;
    // Agents that lose the same service at once do not all come back at once.
    const forMs = Math.min(base * health.times, most) * (0.75 + this.#random() / 2);
    health.outUntil = now + forMs;
    health.wellAt = health.outUntil + RETURN_MS;
    return forMs;
  }
}

/** What speaks against the target itself. Links that are lost or silent are passed over as long as they are. */
const WEIGHTS: ReadonlyMap<number, 'at once' | 'counts'> = new Map([
  [ResetCode.NotDelivered, 'at once'],
  [ResetCode.UpstreamLost, 'counts'],
  [ResetCode.UpstreamProtocol, 'counts'],
  [ResetCode.UpstreamTimeout, 'counts'],
  [ResetCode.Internal, 'counts'],
]);
