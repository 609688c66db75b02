import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { table } from './report.ts';
import type { Report } from './trial.ts';

const BOOK = join(import.meta.dirname, '../../../docs/operations.md');
const BEGIN = '<!-- chaos: begin -->\n';
const END = '<!-- chaos: end -->';

/** The text with the table between its marks. */
export function withTable(text: string, reports: readonly Report[]): string {
  const [from, to] = [text.indexOf(BEGIN) + BEGIN.length, text.indexOf(END)];
  return `${text.slice(0, from)}\n${table(reports)}\n\n${text.slice(to)}`;
}

/** Puts the figures into the operations manual. */
export function writeBook(reports: readonly Report[]): void {
  writeFileSync(BOOK, withTable(readFileSync(BOOK, 'utf8'), reports));
}
