export { startEdge } from './edge.ts';
export type { EdgeParts, RunningEdge } from './edge.ts';
