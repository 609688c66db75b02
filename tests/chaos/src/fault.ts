import type { Footprint } from './footprint.ts';
import type { Load, Work } from './load.ts';
import type { KindName } from './outcome.ts';
import type { Pace } from './pace.ts';
import type { SitePlan, TunnelName } from './site/plan.ts';
import type { Site } from './site/site.ts';

/** What must hold; bytes must never be wrong, and nothing may be done twice, whatever the fault. */
export interface Bounds {
  /** Kinds of which no request may fail. */
  readonly unfailing: readonly KindName[];
  /** The longest that a small request may take, ms. */
  readonly slowestMs?: number;
  /** How soon after the fault is over all views must agree, ms. */
  readonly viewsMs: number;
}

/** What a fault has to work on. */
export interface Stage {
  readonly site: Site;
  readonly load: Load;
  readonly pace: Pace;
  /** The moment that heal times are counted from. */
  begins(): void;
  /** Everything is whole again, as far as the script can do; the rest is up to culvert. */
  isOver(): void;
  /** Adds a figure of its own to the report, with what it may be at most. */
  measure(what: string, value: number, atMost: number, unit: string): void;
  /** Adds what a process took over time to the report. */
  chart(process: string, samples: readonly Footprint[]): void;
  /** Something else that must hold. */
  require(what: string, holds: boolean): void;
}

export interface Fault {
  /** What it is asked for by. */
  readonly name: string;
  /** What must hold, as a sentence. */
  readonly law: string;
  readonly plan: SitePlan;
  /** Not in the short run. */
  readonly longOnly?: true;
  readonly bounds: Bounds;
  /** Instead of the usual mixture. */
  readonly work?: readonly Work[];
  readonly tunnels?: readonly TunnelName[];
  /** Edges that no client uses from the beginning on. */
  leftOut?(site: Site): readonly string[];
  run(stage: Stage): Promise<void>;
}
