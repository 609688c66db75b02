export { normaliseHostname } from './hostname.ts';
export {
  candidatesOf,
  covers,
  HostnamePatternError,
  parseHostnamePattern,
  patternText,
} from './hostname-pattern.ts';
export type { HostnamePattern, Reach } from './hostname-pattern.ts';
export { matchesPath, parsePathPattern, PathPatternError } from './path-pattern.ts';
export type { PathPattern } from './path-pattern.ts';
export { PathRules } from './path-rules.ts';
export { RouteTable } from './route-table.ts';
export type { HostRoutes } from './route-table.ts';
export { routingPath } from './routing-path.ts';
export { RuleList } from './rule-list.ts';
