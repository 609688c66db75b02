/** A regular expression that is none, or that could take for ever. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
  readonly source: string;

  constructor(source: string, problem: string, options?: ErrorOptions) {
    super(problem, options);
    this.source = source;
  }
}

/**
 * A regular expression that strangers' paths are tried against, for which it must not take exponential time.
 * Throws ExpressionError.
 */
export function compileExpression(source: string): RegExp {
  if (source === '') throw new ExpressionError(source, 'the expression is missing');
  const problem = costOf(source);
  if (problem !== undefined) throw new ExpressionError(source, `${problem}, which can take for ever`);
  try {
    return new RegExp(source);
  } catch (cause) {
    throw new ExpressionError(source, 'not a regular expression', { cause });
  }
}

/** A group that is being read, or the whole expression. */
interface Group {
  /** It contains an unbounded repetition. */
  repeats: boolean;
  /** What each of its alternatives begins with. */
  readonly beginnings: string[];
}

/**
 * What makes the expression expensive, in words. In a repeated group, another repetition such as `(a+)*`, or
 * alternatives that begin alike such as `(a|a)*`, give one text many ways to match: the usual causes of exponential
 * time.
 */
function costOf(source: string): string | undefined {
  const plain = simplified(source);
  const groups: Group[] = [groupAt(plain, 0)];
  for (let at = 0; at < plain.length; at += 1) {
    const group = groups.at(-1)!;
    if (plain[at] === '(') groups.push(groupAt(plain, contentStart(plain, at)));
    else if (plain[at] === '|') group.beginnings.push(beginningAt(plain, at + 1));
    else if (plain[at] === ')') {
      const outer = groups.length > 1 ? (groups.pop(), groups.at(-1)!) : group;
      const repeated = isUnbounded(plain, at + 1);
      if (group.repeats && (repeated || isManifold(plain, at + 1)))
        return 'a repeated group repeats something itself';
      if (repeated && beginAlike(group.beginnings))
        return 'a repeated group has alternatives that begin alike';
      outer.repeats ||= group.repeats || repeated;
    } else if (isUnbounded(plain, at)) group.repeats = true;
  }
  return undefined;
}

/** With every escape and every class as one character: a letter of its own where it stands for several. */
function simplified(source: string): string {
  const escaped = source.replace(/\\(?:[dDwWsSbB]|[pP]\{[^}]*\})/g, '.').replace(/\\./gs, '_');
  return escaped.replace(/\[(?:[^\]])*\]/g, '.');
}

const groupAt = (plain: string, at: number): Group => ({
  repeats: false,
  beginnings: [beginningAt(plain, at)],
});

/** Behind `(`, `(?:`, `(?=`, `(?<name>` and their like. */
function contentStart(plain: string, at: number): number {
  const mark = /^\((?:\?(?:[:=!]|<[=!]|<[^>]*>))?/.exec(plain.slice(at, at + 64));
  return at + (mark?.[0].length ?? 1);
}

/** The first character of an alternative, or `.` where it is not certain. */
function beginningAt(plain: string, at: number): string {
  const first = plain[at] ?? '.';
  const optional = /[?*{]/.test(plain[at + 1] ?? '');
  return optional || /[.()|^$_]/.test(first) ? '.' : first;
}

function beginAlike(beginnings: readonly string[]): boolean {
  return beginnings.length > 1 && (beginnings.includes('.') || new Set(beginnings).size < beginnings.length);
}

function isUnbounded(plain: string, at: number): boolean {
  return plain[at] === '*' || plain[at] === '+' || /^\{\d+,\}/.test(plain.slice(at, at + 12));
}

/** Repeated a certain number of times, more than once. */
function isManifold(plain: string, at: number): boolean {
  const most = /^\{(?:\d+,)?(\d+)\}/.exec(plain.slice(at, at + 16))?.[1];
  return most !== undefined && Number(most) > 1;
}
