import type { Refusal } from './http/refusal.ts';

/** How often the lag of the event loop is taken, ms. */
const SAMPLE_MS = 100;
/** So many late samples in a row are a queue that stands; a single pause, however long, is none. */
const STANDING = 3;
/**
 * Share of the time that the event loop had work, and that this thread ran, from which on being late is the work's doing.
 * Below either the machine did not let it run: what comes is little, and would only be refused for others' sake. A busy
 * machine gives to each of many what is still more than the second.
 */
const BUSY = 0.9;
const RAN = 0.15;
/** Some are served always: they are what tells whether it goes again. */
const MAX_SHARE = 0.95;
/** How much of all requests is refused more for each second at twice the lag that is allowed. */
const RISE_PER_S = 0.5;
/** And how much less for each second without any lag. */
const FALL_PER_S = 0.25;

export const OVERLOADED: Refusal = {
  code: 'overloaded',
  reason: 'there is more to do than can be done',
  rests: true,
};

export interface OverloadLimits {
  /** Requests under way at a time. */
  readonly requests: number;
  /** How late the event loop may be, ms; 0: as late as it likes. */
  readonly lag: number;
}

/**
 * Says when it is better to refuse a request than to let it wait. How late the event loop is tells how long work has
 * waited before anybody looked at it; while that stays above the limit, a share of what is new is refused, which grows
 * and shrinks with it. What runs already is not touched.
 */
export class Overload {
  /** `refuses` need not be asked while no more requests than this are under way: one comparison a request. */
  watermark: number;
  readonly #onChange: (shedding: boolean) => void;
  #limits: OverloadLimits;
  #timer: NodeJS.Timeout | undefined;
  #at = 0;
  #lag = 0;
  #late = 0;
  #share = 0;
  /** What of the share is due: of each ten requests at 0.3, three are refused, evenly. */
  #due = 0;

  /** @param onChange told when it begins to refuse because of lag, and when that is over */
  constructor(limits: OverloadLimits, onChange: (shedding: boolean) => void = () => undefined) {
    this.#limits = limits;
    this.#onChange = onChange;
    this.watermark = limits.requests;
  }

  /** How late its own work had made the event loop when it was last looked at, ms. */
  get lag(): number {
    return this.#lag;
  }

  /** The share of new requests that is refused because of lag, from 0 to 1. */
  get share(): number {
    return this.#share;
  }

  limit(limits: OverloadLimits): void {
    this.#limits = limits;
    if (limits.lag === 0) this.#setShare(0);
    this.#setWatermark();
  }

  start(): void {
    this.#at = performance.now();
    let before = performance.eventLoopUtilization();
    let used = cpuMs();
    this.#timer ??= setInterval(() => {
      const elapsed = performance.now() - this.#at;
      this.#at += elapsed;
      const now = performance.eventLoopUtilization();
      const usedNow = cpuMs();
      const ran = usedNow - used >= RAN * elapsed;
      const busy = ran && performance.eventLoopUtilization(now, before).utilization >= BUSY;
      before = now;
      used = usedNow;
      this.observe(busy ? Math.max(0, elapsed - SAMPLE_MS) : 0, elapsed);
    }, SAMPLE_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Takes a sample: the loop was so late, and the one before is so long ago; both ms. */
  observe(lag: number, elapsed: number): void {
    this.#lag = lag;
    const { lag: most } = this.#limits;
    if (most === 0) return;
    this.#late = lag > most ? this.#late + 1 : 0;
    const seconds = elapsed / 1_000;
    const excess = lag / most - 1;
    if (excess <= 0) this.#setShare(Math.max(0, this.#share + FALL_PER_S * seconds * excess));
    else if (this.#late >= STANDING) {
      this.#setShare(Math.min(MAX_SHARE, this.#share + RISE_PER_S * seconds * Math.min(1, excess)));
    }
  }

  /** Whether a request that has just become the last of `underWay` is to be refused. */
  refuses(underWay: number): boolean {
    return underWay > this.#limits.requests || this.refusesNew();
  }

  /** The same for what is not counted as a request. */
  refusesNew(): boolean {
    if (this.#share === 0) return false;
    this.#due += this.#share;
    if (this.#due < 1) return false;
    this.#due -= 1;
    return true;
  }

  #setShare(share: number): void {
    const before = this.#share;
    this.#share = share;
    if ((before === 0) === (share === 0)) return;
    this.#setWatermark();
    this.#onChange(share > 0);
  }

  #setWatermark(): void {
    this.watermark = this.#share > 0 ? 0 : this.#limits.requests;
  }
}

/** What this thread has run so far, ms of a processor. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
