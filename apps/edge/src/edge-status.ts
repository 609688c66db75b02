import type { EdgeInfo, SignalsState } from '@culvert/signals';
import type { Holders, HoldersView } from './delivery/holders.ts';
import type { NeighbourView, Neighbours } from './peers/neighbours.ts';
import type { Session } from './pool/pool.ts';
import type { Pools } from './pool/pools.ts';

/** What an edge serves at `/status` of its admin address. No secrets: token digests are left out. */
export interface EdgeStatus {
  readonly edge: string;
  readonly region: string;
  readonly boot: string;
  readonly draining: boolean;
  readonly signals: SignalsState;
  readonly load: EdgeInfo['load'];
  readonly warnings: readonly string[];
  /** Tunnels that agents attached here serve. */
  readonly pools: readonly {
    readonly tunnel: string;
    readonly sessions: readonly SessionView[];
  }[];
  /** Where other tunnels are believed to be, of those that were asked for here. */
  readonly holders: readonly HoldersView[];
  readonly neighbours: readonly NeighbourView[];
}

export interface SessionView {
  readonly id: string;
  readonly agent: string;
  readonly generation: number;
  readonly links: number;
  readonly draining: boolean;
}

export interface EdgeStatusParts {
  readonly info: EdgeInfo;
  readonly signals: SignalsState;
  readonly pools: Pools;
  readonly holders: Holders;
  readonly neighbours: Neighbours;
}

export function edgeStatus({ info, signals, pools, holders, neighbours }: EdgeStatusParts): EdgeStatus {
  const { id: edge, region, boot, draining, load, warnings } = info;
  return {
    ...{ edge, region, boot, draining, signals, load, warnings },
    pools: [...pools.tunnels].map(({ tunnel, sessions }) => ({ tunnel, sessions: sessions.map(viewOf) })),
    holders: holders.view,
    neighbours: neighbours.view,
  };
}

function viewOf({ id, agent, generation, links, draining }: Session): SessionView {
  return { id, agent, generation, links: links.length, draining };
}
