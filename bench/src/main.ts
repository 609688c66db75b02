import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Case } from './cases/case.ts';
import { everyCase } from './cases/every-case.ts';
import type { Contestant } from './contestants/contestant.ts';
import { everyone } from './contestants/everyone.ts';
import { BenchFault } from './fault.ts';
import { judge, outcomeTable } from './goals.ts';
import { parseOptions, pick, USAGE, type Options } from './options.ts';
import { readme } from './readme.ts';
import { readBook, writeLine, type Book, type Heading, type Run } from './record.ts';
import { report } from './report.ts';
import { play } from './season.ts';
import { Stage } from './stage.ts';
import { startUpstream } from './upstream.ts';
import { describeMachine, isFound, versionOf } from './versions.ts';

const BENCH = join(import.meta.dirname, '..');

/** Programs that the bench itself cannot do without. */
const TOOLS = [
  { program: 'nginx', version: ['-v'] },
  { program: 'wrk', version: ['-v'] },
  { program: 'h2load', version: ['--version'] },
];

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof BenchFault)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

/** Measures or reads a book, reports it; returns the exit status. */
async function main(words: readonly string[]): Promise<number> {
  const options = parseOptions(words);
  if (options.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const cases = pick(everyCase, options.cases);
  const book = options.from === undefined ? await measure(options, cases, words) : readBook(options.from);
  const outcomes = judge(book);
  const text = report(book, cases);
  const verdict = outcomes.some(({ result }) => result !== 'skipped') ? outcomeTable(outcomes) : '';
  process.stdout.write(`\n${text}\n${options.check ? `\n${outcomeTable(outcomes)}\n` : ''}`);
  if (options.write) writeFileSync(join(BENCH, 'README.md'), readme([text, verdict]));
  return options.check && outcomes.some(({ result }) => result === 'miss') ? 1 : 0;
}

async function measure(options: Options, cases: readonly Case[], words: readonly string[]): Promise<Book> {
  const contestants = present(options);
  const heading = headingOf(contestants, words);
  const runs: Run[] = [];
  const file = rawFile(heading.at);
  writeLine(file, heading);
  await using stage = new Stage();
  endOnSignal(stage);
  const upstream = await startUpstream(stage);
  const onRun = (run: Run): void => {
    runs.push(run);
    writeLine(file, run);
    process.stderr.write(`${progress(run)}\n`);
  };
  await play({ stage, upstream, contestants, cases, options, onRun });
  process.stderr.write(`raw runs: ${file}\n`);
  return { heading, runs };
}

/** The contestants whose programs are all found; one that was asked for by name must be. */
function present({ peers }: Options): readonly Contestant[] {
  const missing = TOOLS.find(({ program }) => !isFound(program));
  if (missing !== undefined) throw new BenchFault(`${missing.program} is not on PATH`);
  const wanted = pick(everyone, peers);
  const found = wanted.filter(({ programs }) => programs.every((program) => isFound(program)));
  const absent = wanted.filter((contestant) => !found.includes(contestant)).map(({ name }) => name);
  if (absent.length > 0 && peers !== undefined)
    throw new BenchFault(`not found on PATH: ${absent.join(', ')}`);
  if (absent.length > 0) process.stderr.write(`left out, not found on PATH: ${absent.join(', ')}\n`);
  return found;
}

function headingOf(contestants: readonly Contestant[], words: readonly string[]): Heading {
  const tools = TOOLS.map(({ program, version }) => `${program} ${versionOf(program, version)}`);
  return {
    at: new Date().toISOString(),
    command: ['npm run bench', ...(words.length > 0 ? ['--', ...words] : [])].join(' '),
    machine: describeMachine(),
    tools: [...tools, `node ${process.versions.node}`],
    contestants: contestants.map(({ name, setup, programs, version }) => ({
      name,
      setup,
      version: versionOf(programs[0], version),
    })),
  };
}

function rawFile(at: string): string {
  const folder = join(BENCH, 'out');
  mkdirSync(folder, { recursive: true });
  return join(folder, `${at.replace(/[:.]/g, '-')}.jsonl`);
}

function progress({ contestant, case: name, round, noise, figures, error }: Run): string {
  const numbers = Object.entries(figures).map(
    ([figure, value]) => `${figure} ${Number(value.toPrecision(4))}`,
  );
  const told = error ?? `${numbers.join(', ')} · other ${(noise * 100).toFixed(0)} %`;
  return `round ${round} ${contestant} ${name}: ${told}`;
}

/** Ends what was started when the bench is interrupted. */
function endOnSignal(stage: Stage): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void stage[Symbol.asyncDispose]().finally(() => process.exit(1)));
  }
}
