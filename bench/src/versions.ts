import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { delimiter, join } from 'node:path';

/** Tells whether a program can be started: a path as it is, a name by looking through PATH. */
export function isFound(program: string, path = process.env['PATH'] ?? ''): boolean {
  const places = program.includes('/')
    ? [program]
    : path.split(delimiter).map((folder) => join(folder, program));
  return places.some((place) => {
    try {
      accessSync(place, constants.X_OK);
      return true;
    } catch {
      // Not here: the next folder may have it.
      return false;
    }
  });
}

/** Asks a program for its version; `unknown` when what it prints holds none. */
export function versionOf(program: string, words: readonly string[]): string {
  const { stdout, stderr } = spawnSync(program, words, { encoding: 'utf8', timeout: 10_000 });
  return parseVersion(`${stdout}\n${stderr}`);
}

/** Finds the first thing that looks like a version in what a program printed about itself. */
export function parseVersion(output: string): string {
  const about = output.replace(/\d{4}-\d{2}-\d{2}\S*/g, '');
  return /\d+\.\d+(?:\.\d+)?(?:[-+][\w.+~-]+)?/.exec(about)?.[0] ?? 'unknown';
}

/** One line about the machine that the figures are of. */
export function describeMachine(): string {
  const model = cpus()[0]?.model ?? 'unknown CPU';
  return `${availableParallelism()} CPUs (${model}), ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, loopback only`;
}
