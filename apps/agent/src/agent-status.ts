import type { AgentLink } from './attach/agent-link.ts';

/** What an agent serves at `/status` of its admin address. */
export interface AgentStatus {
  readonly tunnel: string;
  /** This process, as edges and the registry know it. */
  readonly agent: string;
  /** Links that have been attached; `leaving` ones finish what runs. */
  readonly links: readonly {
    readonly edge: string;
    readonly session: string;
    readonly generation: number;
    readonly state: 'attached' | 'leaving';
  }[];
}

export function agentStatus(tunnel: string, agent: string, links: Iterable<AgentLink>): AgentStatus {
  return {
    tunnel,
    agent,
    links: [...links].flatMap(({ edgeId, session, generation, state }) =>
      state === 'attached' || state === 'leaving' ? [{ edge: edgeId, session, generation, state }] : [],
    ),
  };
}
