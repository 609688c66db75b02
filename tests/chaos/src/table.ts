import type { Chart, Report } from './trial.ts';

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

/** Markdown. */
export function table(reports: readonly Report[]): string {
  return markdown(
    COLUMNS.map(({ title }) => title),
    reports.map((report) => COLUMNS.map(({ of }) => of(report))),
  );
}

/** Points in time that a chart is told at, from the first to the last. */
const POINTS = 5;

/** Markdown: what each process took, at times that are evenly spread. Undefined without charts. */
export function footprints({ charts }: Report): string | undefined {
  const [first] = charts;
  if (first === undefined) return undefined;
  const since = first.samples[0]!.at;
  const titles = pointsOf(first).map(({ at }) => `${((at - since) / 60_000).toFixed(1)} min`);
  const rows = charts.map((chart) => [
    chart.process,
    ...pointsOf(chart).map(
      ({ memoryBytes, descriptors }) => `${(memoryBytes / 1_048_576).toFixed(0)} MiB, ${descriptors}`,
    ),
  ]);
  return markdown(['memory, descriptors', ...titles], rows);
}

function pointsOf({ samples }: Chart): Chart['samples'] {
  const step = (samples.length - 1) / (POINTS - 1);
  return Array.from({ length: POINTS }, (_, n) => samples[Math.round(n * step)]!);
}

/** In columns that are even. */
export function markdown(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = titles.map((title, n) => Math.max(title.length, ...rows.map((row) => row[n]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, n) => (n === 0 ? cell.padEnd(widths[n]!) : cell.padStart(widths[n]!))).join(' | ')} |`;
  const rule = `| ${widths.map((width, n) => (n === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(titles), rule, ...rows.map(line)].join('\n');
}
