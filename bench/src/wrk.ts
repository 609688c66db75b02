import type { Address } from './held-connection.ts';
import type { Stage } from './stage.ts';
import type { Figures } from './statistics.ts';
import { BenchFault } from './fault.ts';

/** What wrk counted in one run. Times are milliseconds. */
export interface WrkResult extends Figures {
  readonly requests: number;
  readonly perSecond: number;
  /** Answers of 2xx and 3xx among them. */
  readonly goodPerSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Failed connects, reads, writes, time-outs and answers other than 2xx and 3xx. */
  readonly errors: number;
}

export interface Load {
  readonly connections: number;
  readonly seconds: number;
  readonly path: string;
  readonly connection: 'keep-alive' | 'close';
  /** Whether `port` of the address speaks TLS. */
  readonly tls?: boolean;
}

/** Drives an address with wrk, one thread; at most one minute longer than asked for. */
export async function wrk(stage: Stage, address: Address, load: Load): Promise<WrkResult> {
  const close = load.connection === 'close' ? ['-H', 'Connection: close'] : [];
  const output = await stage.run(
    [
      ...([
        'wrk',
        '-t1',
        `-c${load.connections}`,
        `-d${load.seconds}s`,
        '--latency',
        '--timeout',
        '10s',
      ] as const),
      ...[
        '-H',
        `Host: ${address.hostname}`,
        ...close,
        `http${load.tls === true ? 's' : ''}://127.0.0.1:${address.port}${load.path}`,
      ],
    ],
    load.seconds + 60,
  );
  return parseWrk(output);
}

const MILLISECONDS: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** Reads what `wrk --latency` prints; throws a BenchFault when it is not that. */
export function parseWrk(output: string): WrkResult {
  const refused =
    /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(output)?.slice(1) ?? [];
  const unwanted = Number(/Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1] ?? 0);
  const requests = Number(required(/(\d+) requests in /, output)[1]);
  const perSecond = Number(required(/Requests\/sec:\s+([\d.]+)/, output)[1]);
  return {
    requests,
    perSecond,
    goodPerSecond: requests === 0 ? 0 : perSecond * (1 - unwanted / requests),
    p50: percentile(50, output),
    p99: percentile(99, output),
    errors: [...refused, unwanted].reduce<number>((total, count) => total + Number(count), 0),
  };
}

function percentile(rank: number, output: string): number {
  const [, value, unit = ''] = required(new RegExp(`\\s${rank}%\\s+([\\d.]+)(us|ms|s|m|h)\\b`), output);
  return Number(value) * (MILLISECONDS[unit] ?? Number.NaN);
}

function required(pattern: RegExp, output: string): RegExpExecArray {
  const found = pattern.exec(output);
  if (found === null) throw new BenchFault(`wrk printed no ${pattern.source}: ${JSON.stringify(output)}`);
  return found;
}
