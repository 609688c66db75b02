import type { Registry } from 'prom-client';
import type { Histogram } from './histogram.ts';

/** One value of a metric, told apart from the others by its labels. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Reads a plain field of the data plane, or several with labels, when somebody asks. */
export type Read = () => number | Iterable<Sample>;

export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

type Kind = 'counter' | 'gauge' | 'histogram';

/** A value as the exposition writes it; histograms have several names. */
interface Value {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Declared {
  readonly kind: Kind;
  readonly name: string;
  readonly help: string;
  readonly values: () => Value[];
}

/** A name was declared twice: one of the two would be lost. */
export class DuplicateMetricError extends Error {
  readonly metric: string;

  constructor(metric: string) {
    super(`metric ${metric} is declared twice`);
    this.name = 'DuplicateMetricError';
    this.metric = metric;
  }
}

/**
 * The metrics of a process. Whoever counts keeps plain number fields; a declaration says how to read them, and they
 * are read only when scraped. Names carry their unit (`_seconds`, `_bytes`), counters end in `_total`.
 */
export class Metrics {
  readonly #declared = new Map<string, Declared>();
  #registry: Registry | undefined;

  counter(name: string, help: string, read: Read): void {
    this.#declare({ kind: 'counter', name, help, values: () => valuesOf(read()) });
  }

  gauge(name: string, help: string, read: Read): void {
    this.#declare({ kind: 'gauge', name, help, values: () => valuesOf(read()) });
  }

  histogram(name: string, help: string, read: () => Histogram): void {
    this.#declare({ kind: 'histogram', name, help, values: () => bucketsOf(name, read()) });
  }

  /** Everything declared, in the Prometheus text format. */
  async expose(): Promise<Exposition> {
    const registry = await this.#load();
    return { contentType: registry.contentType, text: await registry.metrics() };
  }

  #declare(metric: Declared): void {
    if (this.#declared.has(metric.name)) throw new DuplicateMetricError(metric.name);
    this.#declared.set(metric.name, metric);
    this.#registry = undefined;
  }

  /** The library is loaded by the first scrape: a process that nobody scrapes does not pay 8 MiB for it. */
  async #load(): Promise<Registry> {
    if (this.#registry !== undefined) return this.#registry;
    const { default: prometheus } = await import('prom-client');
    const registry = new prometheus.Registry();
    for (const { kind, name, help, values } of this.#declared.values()) {
      const metric = { name, help, get: () => Promise.resolve({ name, help, type: kind, values: values() }) };
      // The registry only ever calls `get`; the library's own metric classes would keep a second copy of each value.
      registry.registerMetric(metric as unknown as Parameters<Registry['registerMetric']>[0]);
    }
    this.#registry = registry;
    return registry;
  }
}

function valuesOf(read: number | Iterable<Sample>): Value[] {
  return typeof read === 'number' ? [{ labels: {}, value: read }] : [...read];
}

function bucketsOf(name: string, histogram: Histogram): Value[] {
  const values: Value[] = [];
  let count = 0;
  for (const [at, bound] of [...histogram.bounds, Infinity].entries()) {
    count += histogram.counts[at] ?? 0;
    const le = bound === Infinity ? '+Inf' : String(bound);
    values.push({ metricName: `${name}_bucket`, labels: { le }, value: count });
  }
  values.push({ metricName: `${name}_sum`, labels: {}, value: histogram.sum });
  values.push({ metricName: `${name}_count`, labels: {}, value: count });
  return values;
}
