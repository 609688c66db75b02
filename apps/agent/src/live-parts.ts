import { keysOf, livePart, type LiveParts } from '@culvert/settings';
import type { EdgeTrust } from './attach/edge-connector.ts';
import { agentSchema, type AgentSettings } from './settings.ts';

/** What the agent does with new settings. */
export interface Changeable {
  /** The authorities that vouch for edges. @throws when their file cannot be read */
  readTrust(settings: AgentSettings): EdgeTrust;
  /** Whether links are made with these authorities now. */
  trusts(trust: EdgeTrust): boolean;
  /** Links are made by these settings, and replace those of before. */
  attach(next: AgentSettings, trust: EdgeTrust): void;
  /** New streams are served by these settings. */
  serve(next: AgentSettings): void;
  use(next: AgentSettings): void;
}

/** Links are made with these. */
const OF_LINKS = ['tunnel', 'token', 'edges', 'links', 'region', 'claims', 'ca'];
/** Everything else is about services, so that a new key needs no word here. */
const OF_NEITHER = ['admin', 'log', 'drainTimeout', 'reusePort'];

/** What can change while an agent runs: all but where its admin server listens. */
export function liveParts(agent: Changeable): LiveParts<AgentSettings> {
  const ofServices = keysOf(agentSchema('.')).filter((key) => ![...OF_LINKS, ...OF_NEITHER].includes(key));
  return [
    livePart(['drainTimeout', ...OF_LINKS, ...ofServices], (next) => agent.use(next)),
    livePart(ofServices, (next) => agent.serve(next)),
    {
      keys: [...OF_LINKS, 'limits'],
      // The file of authorities may have changed where its name has not.
      always: true,
      prepare: (next, changed) => {
        const trust = agent.readTrust(next);
        const attach = (): void => agent.attach(next, trust);
        return { commit: changed || !agent.trusts(trust) ? attach : () => undefined };
      },
    },
  ];
}
