/** What a simulated edge is made of: the side of an edge that talks to the control plane, without its traffic. */
export { Ejection, Health } from './pool/ejection.ts';
export { Announcer } from './pool/announcer.ts';
export { Neighbours } from './peers/neighbours.ts';
export type { Session } from './pool/pool.ts';
export { Pools } from './pool/pools.ts';
export { Resolver } from './delivery/resolver.ts';
