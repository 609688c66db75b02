import { appendFileSync, readFileSync } from 'node:fs';
import { BenchFault } from './fault.ts';
import type { Figures } from './statistics.ts';

/** One run of one case with one contestant; a line of a raw file. */
export interface Run {
  readonly contestant: string;
  readonly case: string;
  readonly round: number;
  readonly attempt: number;
  /** Share (0 to 1) of the machine that something else used meanwhile. */
  readonly noise: number;
  readonly figures: Figures;
  /** Why there are no figures. */
  readonly error?: string;
}

/** What was measured, on what and with which versions; the first line of a raw file. */
export interface Heading {
  readonly at: string;
  readonly command: string;
  readonly machine: string;
  readonly contestants: readonly {
    readonly name: string;
    readonly version: string;
    readonly setup: string;
  }[];
  readonly tools: readonly string[];
}

/** A whole run of the bench. */
export interface Book {
  readonly heading: Heading;
  readonly runs: readonly Run[];
}

/** Appends one heading or run to a raw file of JSON lines. */
export function writeLine(file: string, line: Heading | Run): void {
  appendFileSync(file, `${JSON.stringify(line)}\n`);
}

export function readBook(file: string): Book {
  const [heading, ...runs] = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line));
  if (heading === undefined) throw new BenchFault(`${file} is empty`);
  return { heading: heading as Heading, runs: runs as Run[] };
}
