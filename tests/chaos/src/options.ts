import { parseArgs } from 'node:util';
import type { Fault } from './fault.ts';
import { LONG, SHORT } from './pace.ts';
import type { Pace } from './pace.ts';

export const USAGE = `Usage: npm run chaos -- [options] [FAULT…]

Breaks a real installation under load, one fault after the other; all of them where none is named. A name that ends
in * stands for all that begin so.

  --short             the durations of the tests, and one victim instead of all
  --outage SECONDS    how long Redis, NATS and routers are away
  --disturbance SECONDS   how long a path is disturbed
  --soak MINUTES      how long the soak lasts
  --herd AGENTS       how many agents come back at once
  --write             put the figures into docs/operations.md
  --help              this, and the list of faults`;

export interface Options {
  readonly faults: readonly Fault[];
  readonly pace: Pace;
  readonly write: boolean;
  readonly help: boolean;
}

/** Something that is no option, no fault, or no number. */
export class OptionError extends Error {
  override readonly name = 'OptionError';
}

/** @throws OptionError */
export function parseOptions(words: readonly string[], known: readonly Fault[]): Options {
  const { values, positionals } = parse(words);
  if (values.short && values.write)
    throw new OptionError('--write takes figures of the long run, not of --short');
  const base = values.short ? SHORT : LONG;
  const outageMs = scaled('outage', values.outage, 1_000) ?? base.outageMs;
  const disturbanceMs = scaled('disturbance', values.disturbance, 1_000) ?? base.disturbanceMs;
  const soakMs = scaled('soak', values.soak, 60_000) ?? base.soakMs;
  const herd = Math.ceil(scaled('herd', values.herd, 1) ?? base.herd);
  return {
    faults: pick(positionals, known),
    pace: { ...base, outageMs, disturbanceMs, soakMs, herd },
    write: values.write,
    help: values.help,
  };
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        short: { type: 'boolean', default: false },
        outage: { type: 'string' },
        disturbance: { type: 'string' },
        soak: { type: 'string' },
        herd: { type: 'string' },
        write: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new OptionError((error as Error).message);
  }
}

function scaled(name: string, text: string | undefined, unit: number): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!(number > 0)) throw new OptionError(`--${name} takes a positive number, not ${text}`);
  return number * unit;
}

function pick(names: readonly string[], known: readonly Fault[]): readonly Fault[] {
  if (names.length === 0) return known;
  return [...new Set(names.flatMap((name) => namedBy(name, known)))];
}

function namedBy(name: string, known: readonly Fault[]): readonly Fault[] {
  const prefix = name.endsWith('*') ? name.slice(0, -1) : undefined;
  const found = known.filter((fault) =>
    prefix === undefined ? fault.name === name : fault.name.startsWith(prefix),
  );
  if (found.length === 0) throw new OptionError(`there is no fault ${name}`);
  return found;
}
