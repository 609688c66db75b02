/** What a simulated edge is made of: the side of an edge that talks to the control plane, without its traffic. */
export { Ejection, Health } from './ejection.ts';
export { Announcer } from './announcer.ts';
export { Neighbours } from './neighbours.ts';
export type { Session } from './pool.ts';
export { Pools } from './pools.ts';
export { Resolver } from './resolver.ts';
