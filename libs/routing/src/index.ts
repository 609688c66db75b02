export { compileExpression, ExpressionError } from './expression.ts';
export { normaliseHostname } from './hostname.ts';
export {
  candidatesOf,
  covers,
  HostnamePatternError,
  parseHostnamePattern,
  patternText,
} from './hostname-pattern.ts';
export type { HostnamePattern, Reach } from './hostname-pattern.ts';
export { matchesPath, parsePathPattern, PathPatternError, pathPatternProblem } from './path-pattern.ts';
export type { PathPattern } from './path-pattern.ts';
export { PathRules } from './path-rules.ts';
export { fieldRuleProblem } from './policy/field-rules.ts';
export type { FieldAction, MessageKind } from './policy/field-rules.ts';
export { parseRedirect } from './policy/redirect.ts';
export { compileRewrite, compileStripPrefix, RewriteError } from './policy/rewrite.ts';
export type { Rewrite } from './policy/rewrite.ts';
export { parseTemplate, TemplateError } from './policy/template.ts';
export type { PlaceholderName, Segment } from './policy/template.ts';
export { RouteTable } from './route-table.ts';
export type { HostRoutes } from './route-table.ts';
export { routingPath } from './routing-path.ts';
export { RuleList } from './rule-list.ts';
