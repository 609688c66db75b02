import { compileExpression, ExpressionError } from './expression.ts';
import { routingPath } from './routing-path.ts';

/** Longer paths match no regular expression: what one costs grows with its input. */
export const MAX_REGEX_INPUT = 1_024;

/** `/prefix`, `= /exact` or `~ regular expression`, taken apart. */
export type PathPattern =
  | { readonly kind: 'exact'; readonly path: string }
  | { readonly kind: 'prefix'; readonly path: string }
  | { readonly kind: 'regex'; readonly regex: RegExp };

/** A text that is no path pattern. */
export class PathPatternError extends Error {
  override readonly name = 'PathPatternError';
  readonly pattern: string;

  constructor(pattern: string, problem: string, options?: ErrorOptions) {
    super(`${JSON.stringify(pattern)} is no path pattern: ${problem}`, options);
    this.pattern = pattern;
  }
}

/** Paths are compared as `routingPath` gives them, so patterns are brought into that form. Throws PathPatternError. */
export function parsePathPattern(text: string): PathPattern {
  if (text.startsWith('~')) return { kind: 'regex', regex: compiled(text, text.slice(1).trim()) };
  const exact = text.startsWith('=');
  const path = exact ? text.slice(1).trim() : text;
  if (!/^\/[^\s?#]*$/.test(path)) {
    throw new PathPatternError(text, 'a path begins with "/" and has no spaces, "?" or "#"');
  }
  return { kind: exact ? 'exact' : 'prefix', path: routingPath(escaped(path)) };
}

/** What is wrong with a path pattern, in words; for who checks it before it is used. */
export function pathPatternProblem(text: string): string | undefined {
  try {
    parsePathPattern(text);
    return undefined;
  } catch (error) {
    if (error instanceof PathPatternError) return error.message;
    throw error;
  }
}

/** Whether `path` (without query) matches. A prefix ends where a segment does: `/v1` takes `/v1/x` but not `/v10`. */
export function matchesPath(pattern: PathPattern, path: string): boolean {
  switch (pattern.kind) {
    case 'exact':
      return path === pattern.path;
    case 'prefix':
      return hasPrefix(path, pattern.path);
    case 'regex':
      return path.length <= MAX_REGEX_INPUT && pattern.regex.test(path);
    default:
      return pattern satisfies never;
  }
}

export function hasPrefix(path: string, prefix: string): boolean {
  if (!path.startsWith(prefix)) return false;
  return path.length === prefix.length || prefix.endsWith('/') || path.charAt(prefix.length) === '/';
}

/** What requests must escape may be written plainly in a pattern. */
function escaped(path: string): string {
  return path.replace(/[^!-~]+/g, (text) => encodeURIComponent(text.toWellFormed()));
}

function compiled(text: string, source: string): RegExp {
  try {
    return compileExpression(source);
  } catch (cause) {
    if (!(cause instanceof ExpressionError)) throw cause;
    throw new PathPatternError(text, cause.message, { cause });
  }
}
