import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { footprints } from './table.ts';
import type { Report } from './trial.ts';

/** A machine that holds up the users themselves for longer proves little, ms. */
export const HELD_UP_MS = 500;

const OUT = join(import.meta.dirname, '../out');

/** Reports as they come, as JSON lines in a file of its own in `out`. */
export class ReportFile {
  readonly path: string;

  constructor(name: string) {
    mkdirSync(OUT, { recursive: true });
    this.path = join(OUT, `${new Date().toISOString().replace(/[:.]/g, '-')}-${name}.jsonl`);
  }

  add(report: Report): void {
    appendFileSync(this.path, `${JSON.stringify(report)}\n`);
  }
}

/** What failed, and which bounds do not hold; empty when nothing did and all do. */
export function details(report: Report): string {
  const { fault, failures, measures, heldUpMs, broken } = report;
  const charts = footprints(report);
  const lines = [
    ...(charts === undefined ? [] : [charts]),
    ...(heldUpMs > HELD_UP_MS ? [`  the machine held up the users themselves for ${heldUpMs} ms`] : []),
    ...failures.map(
      ({ kind, result, why, count, firstMs, lastMs }) =>
        `  ${count} ${kind} ${result}: ${why} (${firstMs} to ${lastMs} ms after the fault)`,
    ),
    ...measures.map(({ what, value, atMost, unit }) => `  ${what} ${value} ${unit}, at most ${atMost}`),
    ...broken.map((bound) => `  BROKEN: ${bound}`),
  ];
  return lines.length === 0 ? '' : [`${fault}:`, ...lines].join('\n');
}
