import { setTimeout as delay } from 'node:timers/promises';
import type { TcpProxy } from '@culvert/testkit';
import type { Bounds, Fault } from '../fault.ts';
import { EVERYTHING, IDEMPOTENT } from '../outcome.ts';
import { ONE_PLACE } from '../site/plan.ts';
import type { Site } from '../site/site.ts';

const VIEWS_MS = 10_000;
const DELAY_MS = 200;
/** Enough for the load, not for bursts. */
const BYTES_PER_SECOND = 8 * 1_048_576;

interface Disturbance {
  readonly name: string;
  readonly words: string;
  /** Whether what runs on the path is lost. */
  readonly breaks: boolean;
  begin(path: TcpProxy): void;
}

const DISTURBANCES = {
  cut: { name: 'cut', words: 'is cut', breaks: true, begin: (path) => path.cut() },
  reset: { name: 'reset', words: 'is reset', breaks: true, begin: (path) => path.reset() },
  hole: { name: 'hole', words: 'goes silent both ways', breaks: true, begin: (path) => path.blackHole() },
  holeUp: {
    name: 'hole-up',
    words: 'goes silent in one direction',
    breaks: true,
    begin: (path) => path.blackHole('up'),
  },
  holeDown: {
    name: 'hole-down',
    words: 'goes silent in the other direction',
    breaks: true,
    begin: (path) => path.blackHole('down'),
  },
  delay: {
    name: 'delay',
    words: `takes ${DELAY_MS} ms`,
    breaks: false,
    begin: (path) => path.delay(DELAY_MS),
  },
  limit: {
    name: 'limit',
    words: 'passes 8 MiB a second',
    breaks: false,
    begin: (path) => path.limit(BYTES_PER_SECOND),
  },
} as const satisfies Readonly<Record<string, Disturbance>>;

type DisturbanceName = keyof typeof DISTURBANCES;

interface PathKind {
  readonly name: string;
  readonly words: string;
  /** Whether requests take it. */
  readonly carries: boolean;
  /** Disturbances that the short run has too. */
  readonly short: readonly DisturbanceName[];
  of(site: Site): readonly TcpProxy[];
}

const PATHS: readonly PathKind[] = [
  {
    name: 'agents-edge',
    words: 'between all agents and one edge',
    carries: true,
    short: ['cut', 'hole', 'delay'],
    of: (site) => [site.edge('eu-1').paths.agents],
  },
  {
    name: 'edge-edge',
    words: 'from other edges to one edge',
    carries: true,
    short: ['hole', 'reset'],
    of: (site) => [site.edge('eu-1').paths.peers],
  },
  {
    name: 'edge-nats',
    words: 'between one edge and NATS',
    carries: false,
    short: ['hole'],
    of: (site) => site.edge('us-1').paths.nats,
  },
  {
    name: 'router-nats',
    words: 'between one router and NATS',
    carries: false,
    short: [],
    of: (site) => site.routers[0]!.paths.nats,
  },
  {
    name: 'router-redis',
    words: 'between one router and Redis',
    carries: false,
    short: ['hole'],
    of: (site) => site.routers[0]!.paths.redis,
  },
];

function boundsOf(path: PathKind, disturbance: Disturbance): Bounds {
  return { unfailing: path.carries && disturbance.breaks ? IDEMPOTENT : EVERYTHING, viewsMs: VIEWS_MS };
}

function faultOf(path: PathKind, key: DisturbanceName): Fault {
  const disturbance: Disturbance = DISTURBANCES[key];
  const spared = path.carries && disturbance.breaks ? 'that may be repeated ' : '';
  return {
    name: `${path.name}-${disturbance.name}`,
    law: `the path ${path.words} ${disturbance.words}: nothing ${spared}fails`,
    plan: ONE_PLACE,
    ...(path.short.includes(key) ? {} : { longOnly: true as const }),
    bounds: boundsOf(path, disturbance),
    async run(stage) {
      const paths = path.of(stage.site);
      for (const one of paths) disturbance.begin(one);
      await delay(stage.pace.disturbanceMs);
      for (const one of paths) one.heal();
      stage.isOver();
    },
  };
}

/** Every path that is cut, silent, slow or narrow. */
export const BROKEN_PATHS: readonly Fault[] = PATHS.flatMap((path) =>
  (Object.keys(DISTURBANCES) as DisturbanceName[]).map((key) => faultOf(path, key)),
);
