import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { footprints, markdown, table } from './table.ts';
import type { Report } from './trial.ts';

const BOOK = join(import.meta.dirname, '../../../docs/operations.md');
/** What stands between marks is written anew; figures of a run that has none of them stay. */
const PARTS = { faults: 'chaos', soak: 'chaos soak' };

/** The text with the figures between its marks. Rows of faults that were not played stay, in the order of `names`. */
export function withFigures(text: string, reports: readonly Report[], names: readonly string[]): string {
  const former = between(text, PARTS.faults);
  const rows = new Map([...rowsOf(former), ...rowsOf(table(reports))]);
  const known = names.flatMap((name) => (rows.has(name) ? [rows.get(name)!] : []));
  const [titles] = cellsOf(table(reports));
  const next = replaced(text, PARTS.faults, markdown(titles!, known));
  const soaked = reports.flatMap((report) => footprints(report) ?? []).at(-1);
  return soaked === undefined ? next : replaced(next, PARTS.soak, soaked);
}

/** Puts the figures into the operations manual. */
export function writeBook(reports: readonly Report[], names: readonly string[]): void {
  writeFileSync(BOOK, withFigures(readFileSync(BOOK, 'utf8'), reports, names));
}

/** By the fault in the first cell. */
function rowsOf(markdown: string): [string, string[]][] {
  return cellsOf(markdown)
    .slice(2)
    .map((cells) => [cells[0]!, cells]);
}

/** Line by line, with those of the titles and of the rule. */
function cellsOf(markdown: string): string[][] {
  const lines = markdown.split('\n').filter((line) => line.startsWith('|'));
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

function marksOf(part: string): { readonly begin: string; readonly end: string } {
  return { begin: `<!-- ${part}: begin -->\n`, end: `<!-- ${part}: end -->` };
}

function between(text: string, part: string): string {
  const { begin, end } = marksOf(part);
  return text.slice(text.indexOf(begin) + begin.length, text.indexOf(end));
}

function replaced(text: string, part: string, content: string): string {
  const { begin, end } = marksOf(part);
  const [from, to] = [text.indexOf(begin) + begin.length, text.indexOf(end)];
  return `${text.slice(0, from)}\n${content}\n\n${text.slice(to)}`;
}
