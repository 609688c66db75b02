export { decodeCursor, encodeCursor } from './cursor.ts';
export { EdgeSessions } from './edge-sessions.ts';
export { MemoryRegistry } from './memory-registry.ts';
export type { MemoryRegistryOptions } from './memory-registry.ts';
export { joinPattern, namesAbove, patternWithin, reaches, splitPattern } from './reach.ts';
export type { Pattern, Reach } from './reach.ts';
export { tokenId } from './records.ts';
export type {
  Claim,
  PolicyRoute,
  PortRange,
  RouteRecord,
  Source,
  TokenRecord,
  TunnelRecord,
} from './records.ts';
export { BadCursorError, DEFAULT_REGISTRY_TIMES, RegistryDownError } from './registry.ts';
export type {
  ClaimOutcome,
  DeletedTunnel,
  LeaseOutcome,
  Listed,
  Page,
  Registry,
  RegistryState,
  RegistryTimes,
} from './registry.ts';
export { claimIds, routeId, routeKey } from './route-id.ts';
export type { RouteKey } from './route-id.ts';
