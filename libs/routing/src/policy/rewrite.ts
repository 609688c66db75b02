import { compileExpression } from '../expression.ts';
import { routingPath } from '../routing-path.ts';

/** Longer paths are not given to an expression: what one costs grows with its input. */
const MAX_PATH = 4_096;

/** Turns a request's path into the one that the service gets. */
export interface Rewrite {
  /** Longer paths cannot be rewritten; characters. */
  readonly maxPath: number;
  /**
   * The new path, perhaps with a query that replaces the request's; undefined where the rule does not fit, and the
   * path stays as it came. Always a valid origin-form. What is rewritten is the path as `routingPath` gives it, so that
   * no spelling of a path gets around the rule.
   */
  apply(path: string): string | undefined;
}

/** A rule that is none; the message says why. */
export class RewriteError extends Error {
  override readonly name = 'RewriteError';
  readonly key: 'from' | 'to';

  constructor(key: 'from' | 'to', problem: string, options?: ErrorOptions) {
    super(problem, options);
    this.key = key;
  }
}

/** A part of the new path: text, or the number of a group of the expression. */
type Part = string | number;

/**
 * `from` is a regular expression on the path; `$1` to `$9` in `to` stand for its groups, `$$` for a dollar sign. A `?` in
 * `to` begins a new query. Throws RewriteError and ExpressionError.
 */
export function compileRewrite(from: string, to: string): Rewrite {
  const expression = compileExpression(from);
  const groups = new RegExp(`${from}|`).exec('')!.length - 1;
  const question = to.indexOf('?');
  const path = partsOf(question === -1 ? to : to.slice(0, question), groups);
  const query = question === -1 ? undefined : partsOf(to.slice(question + 1), groups);
  if (typeof path[0] === 'string' ? !path[0].startsWith('/') : path.length === 0) {
    throw new RewriteError('to', 'must begin with "/" or with a group such as "$1"');
  }
  return {
    maxPath: MAX_PATH,
    apply: (raw) => {
      const routed = routingPath(raw);
      const match = expression.exec(routed);
      if (match === null) return undefined;
      const before = routed.slice(0, match.index);
      const after = routed.slice(match.index + match[0].length);
      const changed = rooted(before + filled(path, match) + after, routed);
      return query === undefined ? changed : `${changed}?${escapedPercent(filledQuery(query, match))}`;
    },
  };
}

/** Takes a prefix of whole segments away: `/v1` makes `/x` of `/v1/x` and `/` of `/v1`. */
export function compileStripPrefix(prefix: string): Rewrite {
  const cut = routingPath(encodeLiteral(prefix.replace(/\/+$/, '')));
  return {
    maxPath: Infinity,
    apply: (raw) => {
      const routed = routingPath(raw);
      if (!routed.startsWith(cut)) return undefined;
      const rest = routed.slice(cut.length);
      return rest === '' || rest.startsWith('/') ? rooted(rest, routed) : undefined;
    },
  };
}

function partsOf(text: string, groups: number): readonly Part[] {
  const parts: Part[] = [];
  let literal = '';
  let at = 0;
  for (const match of text.matchAll(/\$([\d$])/g)) {
    literal += text.slice(at, match.index);
    at = match.index + match[0].length;
    if (match[1] === '$') literal += '$';
    else {
      if (literal !== '') parts.push(encodeLiteral(literal));
      literal = '';
      parts.push(groupNumber(match[1]!, groups));
    }
  }
  literal += text.slice(at);
  if (literal !== '') parts.push(encodeLiteral(literal));
  return parts;
}

function groupNumber(digit: string, groups: number): number {
  const number = Number(digit);
  if (number >= 1 && number <= groups) return number;
  const has = groups === 1 ? 'one group' : groups === 0 ? 'no groups' : `${groups} groups`;
  throw new RewriteError('to', `$${digit} stands for nothing: "from" has ${has}`);
}

/** What a target may hold, by RFC 3986; the rest is written as escapes. */
function encodeLiteral(text: string): string {
  if (/[\s#\p{Cc}]/u.test(text)) throw new RewriteError('to', 'white space and "#" have no place in it');
  if (/%(?![\da-f]{2})/i.test(text)) {
    throw new RewriteError('to', 'a "%" must be followed by two hexadecimal digits');
  }
  return text.replace(/[^\w.~!$&'()*+,;=:@/?%-]+/g, (odd) => encodeURIComponent(odd.toWellFormed()));
}

/** Groups of a path hold what a path may hold already. */
function filled(parts: readonly Part[], match: RegExpExecArray): string {
  let text = '';
  for (const part of parts) text += typeof part === 'string' ? part : (match[part] ?? '');
  return text;
}

/** Within a query a group is one value, so it must not begin another parameter. */
function filledQuery(parts: readonly Part[], match: RegExpExecArray): string {
  let text = '';
  for (const part of parts) {
    text += typeof part === 'string' ? part : (match[part] ?? '').replace(/[&=+;]/g, encodeURIComponent);
  }
  return text;
}

/**
 * A path begins with one `/`: what browsers and services make of `//name` is another host. Where the request's path
 * began so itself, it stays.
 */
function rooted(path: string, routed: string): string {
  const escaped = escapedPercent(path);
  if (escaped.startsWith('//') && !routed.startsWith('//')) return escaped.replace(/^\/+/, '/');
  return escaped.startsWith('/') ? escaped : `/${escaped}`;
}

function escapedPercent(text: string): string {
  return text.includes('%') ? text.replace(/%(?![\da-f]{2})/gi, '%25') : text;
}
