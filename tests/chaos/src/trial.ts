import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bounds, Fault, Stage } from './fault.ts';
import type { Footprint } from './footprint.ts';
import { Load } from './load.ts';
import { MIXTURE } from './mixture.ts';
import type { Pace } from './pace.ts';
import { HOSTNAMES } from './site/site.ts';
import type { Site } from './site/site.ts';
import { ViewsDisagreeError, agreement } from './site/views.ts';
import { tally } from './tally.ts';
import type { Tally } from './tally.ts';

/** For a site to come to rest before the next fault, ms. */
const REST_MS = 30_000;
/** Views that do not agree in time are waited for some more, so that the report can say how long they took, ms. */
const LATE_VIEWS_MS = 30_000;

/** A figure of a fault's own. */
export interface Measure {
  readonly what: string;
  readonly value: number;
  readonly atMost: number;
  readonly unit: string;
}

/** What a process took of its machine over time. */
export interface Chart {
  readonly process: string;
  readonly samples: readonly Footprint[];
}

/** What came of one fault. */
export interface Report extends Tally {
  readonly fault: string;
  readonly law: string;
  readonly site: string;
  /** ISO 8601. */
  readonly at: string;
  readonly durationMs: number;
  /** From the end of the fault until all views agreed; undefined: they never did. */
  readonly viewsMs: number | undefined;
  readonly measures: readonly Measure[];
  readonly charts: readonly Chart[];
  /** The longest that the users' own process was held up, ms: what took no longer may be the machine's doing. */
  readonly heldUpMs: number;
  /** Requests that must not be done twice, and were. */
  readonly doubled: number;
  /** The bounds that do not hold; none: the law does. */
  readonly broken: readonly string[];
}

/** Breaks a site under load, and tells what its users noticed. */
export async function play(fault: Fault, site: Site, pace: Pace): Promise<Report> {
  await agreement(site, REST_MS);
  const trial = new Trial(fault, site, pace);
  try {
    return await trial.run();
  } finally {
    await site.mend();
  }
}

class Trial implements Stage {
  readonly site: Site;
  readonly pace: Pace;
  readonly load: Load;
  readonly #fault: Fault;
  readonly #measures: Measure[] = [];
  readonly #charts: Chart[] = [];
  readonly #broken: string[] = [];
  readonly #startedAt = new Date();
  readonly #lag = monitorEventLoopDelay();
  #beganAt: number;
  #overAt: number | undefined;

  constructor(fault: Fault, site: Site, pace: Pace) {
    this.#fault = fault;
    this.site = site;
    this.pace = pace;
    const { tunnels = ['shop', 'wiki'], work = MIXTURE } = fault;
    const hostnames = tunnels.map((tunnel) => HOSTNAMES[tunnel]);
    this.load = new Load({ fronts: site.edges, hostnames, work, ledger: site.ledger });
    this.#beganAt = performance.now();
    this.#lag.enable();
  }

  begins(): void {
    this.#beganAt = performance.now();
  }

  isOver(): void {
    this.#overAt = performance.now();
  }

  measure(what: string, value: number, atMost: number, unit: string): void {
    this.#measures.push({ what, value: rounded(value), atMost: rounded(atMost), unit });
  }

  chart(process: string, samples: readonly Footprint[]): void {
    this.#charts.push({ process, samples });
  }

  require(what: string, holds: boolean): void {
    if (!holds) this.#broken.push(what);
  }

  async run(): Promise<Report> {
    const { site, pace, load } = this;
    load.fronts.leaveOut(...(this.#fault.leftOut?.(site) ?? []));
    const doubledBefore = site.ledger.doubled.length;
    await delay(pace.warmUpMs);
    this.begins();
    await this.#fault
      .run(this)
      .catch((error: unknown) => this.#broken.push(`the script failed: ${String(error)}`));
    const viewsMs = await this.#views();
    await load.calm(pace.calmMs);
    const to = performance.now();
    const outcomes = await load.stop();
    const figures = tally(outcomes, { from: load.beganAt, faultAt: this.#beganAt, to });
    const doubled = site.ledger.doubled.length - doubledBefore;
    return {
      fault: this.#fault.name,
      law: this.#fault.law,
      site: site.plan.name,
      at: this.#startedAt.toISOString(),
      durationMs: Math.round(to - load.beganAt),
      ...figures,
      viewsMs,
      measures: this.#measures,
      charts: this.#charts,
      heldUpMs: Math.round(this.#lag.max / 1e6),
      doubled,
      broken: [
        ...this.#broken,
        ...brokenBounds(this.#fault.bounds, { ...figures, doubled, viewsMs, measures: this.#measures }),
      ],
    };
  }

  async #views(): Promise<number | undefined> {
    const overAt = this.#overAt ?? performance.now();
    const { viewsMs } = this.#fault.bounds;
    const passed = performance.now() - overAt;
    try {
      await agreement(this.site, viewsMs - passed);
    } catch (error) {
      if (!(error instanceof ViewsDisagreeError)) throw error;
      this.#broken.push(`views disagree ${viewsMs} ms after the fault: ${error.disagreements.join('; ')}`);
      if (!(await agreesLate(this.site))) return undefined;
    }
    return Math.round(performance.now() - overAt);
  }
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

function agreesLate(site: Site): Promise<boolean> {
  return agreement(site, LATE_VIEWS_MS).then(
    () => true,
    () => false,
  );
}

function brokenBounds(
  bounds: Bounds,
  found: Pick<Report, 'failures' | 'slowestMs' | 'wrong' | 'doubled' | 'measures' | 'viewsMs' | 'requests'>,
): string[] {
  const failed = found.failures.filter(
    ({ kind, result }) => result === 'failed' && bounds.unfailing.includes(kind),
  );
  const late = found.measures.filter(({ value, atMost }) => value > atMost);
  const { slowestMs = Infinity } = bounds;
  return [
    ...failed.map(
      ({ kind, why, count, firstMs, lastMs }) =>
        `${count} ${kind} failed (${why}), ${firstMs} to ${lastMs} ms after the fault`,
    ),
    ...found.failures
      .filter(({ result }) => result === 'wrong')
      .map(({ kind, why }) => `wrong bytes: ${kind}: ${why}`),
    ...(found.doubled > 0 ? [`${found.doubled} requests were done twice that must not be`] : []),
    ...(found.slowestMs > slowestMs
      ? [`the slowest took ${found.slowestMs} ms, more than ${slowestMs} ms`]
      : []),
    ...late.map(({ what, value, atMost, unit }) => `${what} ${value} ${unit}, more than ${atMost}`),
    ...(found.requests === 0 ? ['nothing was asked at all'] : []),
  ];
}
