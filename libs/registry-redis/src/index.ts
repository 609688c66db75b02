export { RedisRegistry } from './redis-registry.ts';
export type { RedisRegistryOptions } from './redis-registry.ts';
export { RedisAddressError } from './target.ts';
export type { RedisTarget, SentinelTarget } from './target.ts';
