export { AuthorityFileError, startAgent } from './agent.ts';
export type { AgentParts, RunningAgent } from './agent.ts';
export { EdgeUnreachableError } from './attach/edge-connector.ts';
export type { AgentCounters } from './counters.ts';
