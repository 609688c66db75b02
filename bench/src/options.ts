import { parseArgs } from 'node:util';
import { BenchFault } from './fault.ts';

export const USAGE = `npm run bench -- [options]
  --peers a,b     contestants (default: all that are found)
  --cases c64,c1  cases (default: all)
  --rounds N      how often each contestant has its turn (default 3)
  --seconds S     length of a run (default 6)
  --quick         one round of short runs without waiting for a quiet machine
  --check         compare with the figures to reach; exit status 1 when one is missed
  --write         write the tables to bench/README.md
  --from FILE     take the runs of a raw file instead of measuring`;

export interface Options {
  /** Names, or undefined for all. */
  readonly peers: readonly string[] | undefined;
  readonly cases: readonly string[] | undefined;
  readonly rounds: number;
  readonly seconds: number;
  readonly warmSeconds: number;
  /** How long to wait for a quiet machine before each run, and how often to repeat a noisy one. */
  readonly patienceSeconds: number;
  readonly repeats: number;
  readonly check: boolean;
  readonly write: boolean;
  readonly help: boolean;
  readonly from: string | undefined;
}

/** Reads the command line; throws a BenchFault for what it does not know. */
export function parseOptions(words: readonly string[]): Options {
  const { values } = parse(words);
  const pace = values.quick
    ? { rounds: 1, seconds: 2, warmSeconds: 1, patienceSeconds: 2, repeats: 0 }
    : { rounds: 3, seconds: 6, warmSeconds: 2, patienceSeconds: 30, repeats: 2 };
  return {
    ...pace,
    peers: values.peers?.split(','),
    cases: values.cases?.split(','),
    rounds: whole('rounds', values.rounds) ?? pace.rounds,
    seconds: whole('seconds', values.seconds) ?? pace.seconds,
    check: values.check,
    write: values.write,
    help: values.help,
    from: values.from,
  };
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      options: {
        peers: { type: 'string' },
        cases: { type: 'string' },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        from: { type: 'string' },
        quick: { type: 'boolean', default: false },
        check: { type: 'boolean', default: false },
        write: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (cause) {
    throw new BenchFault(`${(cause as Error).message}\n${USAGE}`, { cause });
  }
}

function whole(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,3}$/.test(text))
    throw new BenchFault(`--${name} ${text}: not a whole number from 1 to 9999`);
  return Number(text);
}

/** Picks by name what was asked for, in the order it was asked for; throws a BenchFault for an unknown name. */
export function pick<T extends { readonly name: string }>(
  all: readonly T[],
  wanted: readonly string[] | undefined,
): readonly T[] {
  return (wanted ?? all.map(({ name }) => name)).map((name) => {
    const found = all.find((one) => one.name === name);
    if (found === undefined)
      throw new BenchFault(`no ${name} among ${all.map((one) => one.name).join(', ')}`);
    return found;
  });
}
