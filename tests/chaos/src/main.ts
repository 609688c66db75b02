import { writeBook } from './book.ts';
import { EVERY_FAULT } from './faults/every-fault.ts';
import type { Fault } from './fault.ts';
import { OptionError, USAGE, parseOptions } from './options.ts';
import type { Options } from './options.ts';
import { ReportFile, details } from './report.ts';
import { Site } from './site/site.ts';
import { table } from './table.ts';
import { play } from './trial.ts';
import type { Report } from './trial.ts';

const NAMES = EVERY_FAULT.map(({ name }) => name);

// Processes of the site end with this one.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

process.exit(await main(process.argv.slice(2)).catch(complain));

function complain(error: unknown): number {
  if (!(error instanceof OptionError)) throw error;
  process.stderr.write(`${error.message}\n${USAGE}\n`);
  return 2;
}

/** Returns the exit status: 0 when every law holds. */
async function main(words: readonly string[]): Promise<number> {
  const options = parseOptions(words, EVERY_FAULT);
  if (options.help) {
    const list = EVERY_FAULT.map(({ name, law }) => `  ${name.padEnd(28)} ${law}`);
    process.stdout.write(`${USAGE}\n\nFaults:\n${list.join('\n')}\n`);
    return 0;
  }
  const file = new ReportFile('chaos');
  const reports: Report[] = [];
  let isWhole = true;
  for (const [plan, faults] of Map.groupBy(options.faults, (fault) => fault.plan)) {
    let site = await Site.start(plan);
    for (const fault of faults) {
      try {
        reports.push(await report(fault, site, options, file));
      } catch (error) {
        // What does not come to rest says nothing of the next fault.
        process.stderr.write(`NOT PLAYED: ${String(error)}\n`);
        isWhole = false;
        await site.stop();
        site = await Site.start(plan);
      }
      if (options.write && reports.length > 0) writeBook(reports, NAMES);
    }
    await site.stop();
  }
  process.stdout.write(`\n${table(reports)}\n`);
  process.stderr.write(`\nreports: ${file.path}\n`);
  return isWhole && reports.every(({ broken }) => broken.length === 0) ? 0 : 1;
}

async function report(fault: Fault, site: Site, { pace }: Options, file: ReportFile): Promise<Report> {
  process.stderr.write(`${fault.name}: ${fault.law} … `);
  const found = await play(fault, site, pace);
  file.add(found);
  process.stderr.write(`${found.broken.length === 0 ? 'holds' : 'DOES NOT HOLD'}\n`);
  const more = details(found);
  if (more !== '') process.stderr.write(`${more}\n`);
  if (found.broken.length > 0) {
    const folder = file.path.replace(/\.jsonl$/, `-${fault.name}`);
    site.writeLogs(folder);
    process.stderr.write(`logs: ${folder}\n`);
  }
  return found;
}
