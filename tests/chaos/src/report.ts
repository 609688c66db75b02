import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Report } from './trial.ts';

/** A machine that holds up the users themselves for longer proves little, ms. */
export const HELD_UP_MS = 500;

const OUT = join(import.meta.dirname, '../out');

const COLUMNS: readonly { readonly title: string; readonly of: (report: Report) => string }[] = [
  { title: 'fault', of: ({ fault }) => fault },
  { title: 'requests', of: ({ requests }) => String(requests) },
  { title: 'failed', of: ({ failed }) => String(failed) },
  { title: 'wrong', of: ({ wrong, doubled }) => String(wrong + doubled) },
  { title: 'raced', of: ({ raced }) => String(raced) },
  { title: 'longest gap, ms', of: ({ longestGapMs }) => String(longestGapMs) },
  { title: 'slowest, ms', of: ({ slowestMs }) => String(slowestMs) },
  { title: 'healed after, ms', of: ({ healMs }) => String(healMs) },
  {
    title: 'views agree after, ms',
    of: ({ viewsMs }) => (viewsMs === undefined ? 'never' : String(viewsMs)),
  },
  { title: 'holds', of: ({ broken }) => (broken.length === 0 ? 'yes' : 'no') },
];

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

/** Markdown, in columns that are even. */
export function table(reports: readonly Report[]): string {
  const rows = reports.map((report) => COLUMNS.map(({ of }) => of(report)));
  const titles = COLUMNS.map(({ title }) => title);
  const widths = titles.map((title, n) => Math.max(title.length, ...rows.map((row) => row[n]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, n) => (n === 0 ? cell.padEnd(widths[n]!) : cell.padStart(widths[n]!))).join(' | ')} |`;
  const rule = `| ${widths.map((width, n) => (n === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(titles), rule, ...rows.map(line)].join('\n');
}

/** What failed, and which bounds do not hold; empty when nothing did and all do. */
export function details({ fault, failures, measures, heldUpMs, broken }: Report): string {
  const lines = [
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
