import { parseArgs } from 'node:util';

/** How large the simulated installation is. */
export interface Size {
  readonly hostnames: number;
  readonly sessions: number;
  readonly edges: number;
  readonly routers: number;
  /** Sessions of one tunnel: two agents with links at two edges each. */
  readonly sessionsPerTunnel: number;
  /** Of the hostnames, how many a router's file holds: they come back by themselves after a loss. */
  readonly fileHostnames: number;
  /** Sessions that end, and as many that begin, each second. */
  readonly churn: number;
  readonly churnSeconds: number;
  /** Hostnames that the edge of the table measurement has resolved. */
  readonly tableNames: number;
}

const DEFAULTS: Size = {
  hostnames: 1_000_000,
  sessions: 100_000,
  edges: 100,
  routers: 2,
  sessionsPerTunnel: 4,
  fileHostnames: 20_000,
  churn: 1_000,
  churnSeconds: 30,
  tableNames: 100_000,
};

export interface Options {
  readonly size: Size;
  /** Whether docs/scale.md is written. */
  readonly write: boolean;
}

/** @throws TypeError for an argument that is not known */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      write: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      hostnames: { type: 'string' },
      sessions: { type: 'string' },
      edges: { type: 'string' },
    },
  });
  const scale = values.quick ? 0.02 : 1;
  const of = (given: string | undefined, usual: number): number =>
    given === undefined ? Math.ceil(usual * scale) : Number(given);
  const size = {
    ...DEFAULTS,
    hostnames: of(values.hostnames, DEFAULTS.hostnames),
    sessions: of(values.sessions, DEFAULTS.sessions),
    edges: of(values.edges, DEFAULTS.edges),
    fileHostnames: of(undefined, DEFAULTS.fileHostnames),
    churn: of(undefined, DEFAULTS.churn),
    churnSeconds: values.quick ? 5 : DEFAULTS.churnSeconds,
    tableNames: of(undefined, DEFAULTS.tableNames),
  };
  return { size, write: values.write };
}
