export { DEFAULT_SNIFF_LIMITS, sniff } from './sniff.ts';
export type { SniffLimits } from './sniff.ts';
export type { Endpoint, Invalid, NeedMore, ProxyHeader, Tls, Verdict } from './verdict.ts';
