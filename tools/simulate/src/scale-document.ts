import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { Figure } from './figure.ts';
import { grouped } from './figure.ts';
import type { Size } from './size.ts';

const DOCUMENT = join(import.meta.dirname, '../../../docs/scale.md');
const BEGIN = '<!-- measured -->';
const END = '<!-- /measured -->';

/** Puts the figures between the marks of docs/scale.md. */
export function writeScaleDocument(size: Size, figures: readonly Figure[]): void {
  const text = readFileSync(DOCUMENT, 'utf8');
  const [before] = text.split(BEGIN, 1);
  const after = text.slice(text.indexOf(END));
  writeFileSync(DOCUMENT, `${before}${BEGIN}\n\n${measured(size, figures)}\n${after}`);
}

function measured(size: Size, figures: readonly Figure[]): string {
  const { hostnames, sessions, edges, routers } = size;
  const what = `${grouped(hostnames)} hostnames, ${grouped(sessions)} sessions, ${edges} edges, ${routers} routers`;
  const where = `${cpus().length} CPUs (${cpus()[0]?.model ?? 'unknown'}), which everything shares`;
  const rows = figures.map(({ stage, name, value }) => `| ${stage} | ${name} | ${value} |`);
  const today = new Date().toISOString().slice(0, 10);
  return [
    `${what}; measured ${today} with \`npm run simulate -- --write\` on ${where}.`,
    '',
    '| stage | figure | measured |',
    '| --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
