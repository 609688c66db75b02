/**
 * Checks that the tests which docs/http.md names exist. A cell under "test" lists them as `file`: title, parted by " · ";
 * the title is that of a test or of a group of them, as the file writes it, and may be left out.
 * Usage: node tools/rule-tests.ts
 */
import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PAGE = 'docs/http.md';

const files = new Map<string, string[]>();
for (const path of globSync(
  ['apps/*/src/**/*.test.ts', 'libs/*/src/**/*.test.ts', 'tests/*/src/**/*.test.ts'],
  { cwd: ROOT },
)) {
  const name = basename(path, '.test.ts');
  files.set(name, [...(files.get(name) ?? []), path]);
}

const problems: string[] = [];
let checked = 0;

function check(reference: string, line: number): void {
  const found = /^(?:system )?`([\w-]+)(?:\.test\.ts)?`(?:: (.+))?$/.exec(reference.trim());
  if (found === null) return void problems.push(`${PAGE}:${line}: cannot be read: ${reference}`);
  const [, name = '', title] = found;
  const texts = (files.get(name) ?? []).map((path) => readFileSync(`${ROOT}${path}`, 'utf8'));
  checked++;
  if (texts.length === 0) problems.push(`${PAGE}:${line}: there is no ${name}.test.ts`);
  else if (title !== undefined && !texts.some((text) => text.includes(title))) {
    problems.push(`${PAGE}:${line}: ${name}.test.ts has no test "${title}"`);
  }
}

let column = -1;
for (const [at, text] of readFileSync(`${ROOT}${PAGE}`, 'utf8').split('\n').entries()) {
  const cells = text.split(/(?<!\\)\|/).map((cell) => cell.trim());
  if (!text.startsWith('|')) column = -1;
  else if (column === -1) column = cells.indexOf('test') === -1 ? -2 : cells.indexOf('test');
  else if (column >= 0 && !/^-+$/.test(cells[column]!)) {
    for (const reference of cells[column]!.split(/ · |, (?=(?:system )?`)/)) check(reference, at + 1);
  }
}

if (checked === 0) problems.push(`${PAGE}: names no tests`);
if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exitCode = 1;
}
