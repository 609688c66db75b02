import { BenchFault } from './fault.ts';
import { HOSTNAME } from './names.ts';
import type { Stage } from './stage.ts';
import type { Figures } from './statistics.ts';

/** What h2load counted in one run. */
export interface H2loadResult extends Figures {
  readonly requests: number;
  readonly perSecond: number;
  /** Mean time for a request, ms: it tells no percentiles. */
  readonly mean: number;
  /** Requests that failed, and answers other than 2xx. */
  readonly errors: number;
}

export interface H2Load {
  readonly connections: number;
  /** Requests at a time on each connection. */
  readonly streams: number;
  readonly seconds: number;
  readonly path: string;
  /** A file whose content is sent with POST; absent: GET. */
  readonly body?: string;
  readonly headers?: readonly string[];
}

/** Drives a TLS port over HTTP/2, one thread; at most one minute longer than asked for. */
export async function h2load(stage: Stage, port: number, load: H2Load): Promise<H2loadResult> {
  const { connections, streams, seconds, path, body, headers = [] } = load;
  const output = await stage.run(
    [
      ...(['h2load', '-t1', `-c${connections}`, `-m${streams}`, '-D', `${seconds}`] as const),
      ...(body === undefined ? [] : ['-d', body]),
      ...headers.flatMap((header) => ['-H', header]),
      ...['--connect-to', `127.0.0.1:${port}`, `https://${HOSTNAME}:${port}${path}`],
    ],
    seconds + 60,
  );
  return parseH2load(output);
}

const MILLISECONDS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1_000 };

/** Reads what h2load prints; throws a BenchFault when it is not that. */
export function parseH2load(output: string): H2loadResult {
  const done = /requests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded/.exec(output);
  const rate = /finished in [^,]+, ([\d.]+) req\/s/.exec(output);
  const mean = /time for request:\s+\S+\s+\S+\s+([\d.]+)(us|ms|s)\b/.exec(output);
  const good = /status codes: (\d+) 2xx/.exec(output);
  if (done === null || rate === null || mean === null || good === null) {
    throw new BenchFault(`h2load printed something else: ${JSON.stringify(output)}`);
  }
  return {
    requests: Number(good[1]),
    perSecond: Number(rate[1]),
    mean: Number(mean[1]) * (MILLISECONDS[mean[2] ?? ''] ?? Number.NaN),
    errors: Number(done[1]) - Math.min(Number(done[2]), Number(good[1])),
  };
}
