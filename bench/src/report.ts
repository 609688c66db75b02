import type { Case, Column } from './cases/case.ts';
import type { Book, Heading, Run } from './record.ts';
import { chooseRuns, median, medians, type Figures } from './statistics.ts';

/** The contestants that the others are compared with, each with what stands in where it is absent. */
const REFERENCES = [['haproxy'], ['rathole', 'bore'], ['frp']] as const;

/** The median figures of one contestant in one case, and what they rest on. */
export interface Entry {
  readonly contestant: string;
  readonly figures: Figures;
  /** How many clean runs the figures are of; none: they are those of the least disturbed run. */
  readonly clean: number;
  /** Median share (0 to 1) of the machine that something else used. */
  readonly noise: number;
}

/** Sums up the runs of one case, in the order of the contestants. */
export function entriesOf(book: Book, name: string): readonly Entry[] {
  return book.heading.contestants.flatMap((contestant) => {
    const chosen = chooseRuns(book.runs.filter((run) => isOf(run, contestant.name, name)));
    if (chosen.runs.length === 0) return [];
    const noise = median(chosen.runs.map((run) => run.noise)) ?? 0;
    const figures = medians(chosen.runs.map((run) => run.figures));
    return [{ contestant: contestant.name, figures, clean: chosen.clean ? chosen.runs.length : 0, noise }];
  });
}

function isOf(run: Run, contestant: string, name: string): boolean {
  return run.contestant === contestant && run.case === name && run.error === undefined;
}

/** Writes a book as Markdown: what ran, a table for each case, failed runs. */
export function report(book: Book, cases: readonly Case[]): string {
  const tables = cases.map((one) => caseTable(one, entriesOf(book, one.name)));
  return [headingText(book.heading), ...tables, failures(book.runs)]
    .filter((part) => part !== '')
    .join('\n\n');
}

function headingText(heading: Heading): string {
  const rows = heading.contestants.map(({ name, version, setup }) => [name, version, setup]);
  return [
    `Measured ${heading.at} with \`${heading.command}\` on ${heading.machine}. Tools: ${heading.tools.join(', ')}.`,
    table(['contestant', 'version', 'set-up'], rows),
  ].join('\n\n');
}

function caseTable(one: Case, entries: readonly Entry[]): string {
  if (entries.length === 0) return '';
  const references = REFERENCES.flatMap((names) => {
    const found = names.flatMap((name) => entries.find((entry) => entry.contestant === name) ?? []);
    return found.slice(0, 1);
  });
  const columns = one.columns.filter(({ of }) => entries.some(({ figures }) => of(figures) !== undefined));
  const against = references.map(({ contestant }) => contestant).join(' / ');
  const compared = references.length === 0 ? [] : one.compared;
  const titles = [
    'contestant',
    ...columns.map(({ title }) => title),
    ...compared.map(({ title }) => `${title} × ${against}`),
    'n',
    'other CPU %',
  ];
  const rows = entries.map((entry) => [
    entry.contestant,
    ...columns.map((column) => cell(column, entry.figures)),
    ...compared.map((column) => ratios(column, entry, references)),
    `${entry.clean}`,
    (entry.noise * 100).toFixed(0),
  ]);
  return `### ${one.name}: ${one.title}\n\n${table(titles, rows)}`;
}

function cell({ of, digits }: Column, figures: Figures): string {
  return of(figures)?.toFixed(digits) ?? '—';
}

function ratios({ of }: Column, entry: Entry, references: readonly Entry[]): string {
  const own = of(entry.figures);
  if (own === undefined) return '—';
  return references
    .map(({ figures }) => {
      const other = of(figures);
      return other === undefined || other === 0 ? '—' : (own / other).toFixed(2);
    })
    .join(' / ');
}

function failures(runs: readonly Run[]): string {
  const failed = runs.filter(({ error }) => error !== undefined);
  if (failed.length === 0) return '';
  const lines = failed.map(
    (run) => `- ${run.contestant}, ${run.case}, round ${run.round}: ${firstLine(run.error)}`,
  );
  return `### Failed runs\n\n${lines.join('\n')}`;
}

function firstLine(text = ''): string {
  return text.split('\n', 1)[0] ?? '';
}

/** Writes a Markdown table, padded so that it reads well as text too; columns without letters go to the right. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const columns = titles.map((title, at) => {
    const cells = rows.map((row) => row[at] ?? '');
    const width = Math.max(3, title.length, ...cells.map((text) => text.length));
    return { width, right: !cells.some((text) => /[a-z]/i.test(text)) };
  });
  const line = (cells: readonly string[]): string =>
    `| ${columns.map(({ width, right }, at) => (right ? cells[at]?.padStart(width) : cells[at]?.padEnd(width))).join(' | ')} |`;
  const rule = columns.map(({ width, right }) => (right ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)));
  return [line(titles), line(rule), ...rows.map(line)].join('\n');
}
