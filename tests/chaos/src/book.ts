import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { footprints, table } from './table.ts';
import type { Report } from './trial.ts';

const BOOK = join(import.meta.dirname, '../../../docs/operations.md');
/** What stands between marks is written anew; figures of a run that has none of them stay. */
const PARTS = { faults: 'chaos', soak: 'chaos soak' };

/** The text with the figures between its marks. Rows of faults that were not played stay, in the order of `names`. */
export function withFigures(text: string, reports: readonly Report[], names: readonly string[]): string {
  const former = between(text, PARTS.faults);
  const rows = new Map([...rowsOf(former), ...rowsOf(table(reports))]);
  const known = names.flatMap((name) => rows.get(name) ?? []);
  const [title, rule] = linesOf(table(reports));
  const next = replaced(text, PARTS.faults, [title, rule, ...known].join('\n'));
  const soaked = reports.flatMap((report) => footprints(report) ?? []).at(-1);
  return soaked === undefined ? next : replaced(next, PARTS.soak, soaked);
}

/** Puts the figures into the operations manual. */
export function writeBook(reports: readonly Report[], names: readonly string[]): void {
  writeFileSync(BOOK, withFigures(readFileSync(BOOK, 'utf8'), reports, names));
}

/** By the fault in the first cell. */
function rowsOf(markdown: string): [string, string][] {
  return linesOf(markdown)
    .slice(2)
    .map((line) => [line.split('|')[1]!.trim(), line]);
}

function linesOf(markdown: string): string[] {
  return markdown.split('\n').filter((line) => line.startsWith('|'));
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
