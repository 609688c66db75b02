import { keysOf, livePart, type LiveParts } from '@culvert/settings';
import type { EdgeTrust } from './attach/edge-connector.ts';
import type { Services } from './services.ts';
import { agentSchema, type AgentSettings } from './settings.ts';

/** What the agent does with new settings. */
export interface Changeable {
  /** The authorities that vouch for edges. @throws when their file cannot be read */
  readTrust(settings: AgentSettings): EdgeTrust;
  /** Whether links are made with these authorities now. */
  trusts(trust: EdgeTrust): boolean;
  /** Links are made by these settings, and replace those of before. */
  attach(next: AgentSettings, trust: EdgeTrust): void;
  /** @throws UpstreamFileError when a file that a rule names cannot be used */
  makeServices(settings: AgentSettings): Services;
  /** Whether the services of now were made from the same files. */
  serves(services: Services): boolean;
  /** New streams are served by these. */
  serve(services: Services): void;
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
    {
      keys: ofServices,
      // What rules name for TLS may have changed where the names of the files have not.
      always: true,
      prepare: (next, changed) => {
        const services = agent.makeServices(next);
        const serve = (): void => agent.serve(services);
        return { commit: changed || !agent.serves(services) ? serve : () => undefined };
      },
    },
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
