import type * as z from 'zod/mini';
import type { ConfigDocument } from './document.ts';
import { nameOfType } from './field.ts';
import { nearestName } from './nearest-name.ts';
import { keysAt } from './schema-walk.ts';
import type { Problem } from './settings-error.ts';

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** What a schema found wrong with a document, in words that name line and key. */
export function problemsOf(
  error: z.core.$ZodError,
  schema: z.core.$ZodType,
  document: ConfigDocument,
  file: string,
): Problem[] {
  const problem = (path: Path, message: string): Problem => {
    return { file, line: document.lineOf(path), key: path.map(String).join('.'), message };
  };
  return flatten(error.issues, []).flatMap(({ issue, path }) => {
    if (issue.code !== 'unrecognized_keys')
      return [problem(path, messageOf(issue, valueAt(document.value, path)))];
    const known = keysAt(schema, path);
    return issue.keys.map((key) => problem([...path, key], unknownKey(key, known)));
  });
}

interface Located {
  readonly issue: Issue;
  readonly path: Path;
}

/** Issues with their full paths; of alternatives, those of the one that was most likely meant. */
function flatten(issues: readonly Issue[], base: Path): Located[] {
  return issues.flatMap((issue): Located[] => {
    const path = [...base, ...issue.path];
    if (issue.code !== 'invalid_union') return [{ issue, path }];
    const meant = issue.errors.find((branch) => !branch.some(isWrongKind));
    return meant === undefined ? [{ issue, path }] : flatten(meant, path);
  });
}

/** The alternative is for another kind of value altogether: a list where a text stands. */
function isWrongKind(issue: Issue): boolean {
  return issue.code === 'invalid_type' && issue.path.length === 0;
}

function messageOf(issue: Issue, value: unknown): string {
  if (issue.code === 'invalid_type' && isStructure(issue.expected)) {
    const expected = issue.expected === 'array' ? 'a list' : 'a section with keys of its own';
    return value === undefined
      ? `is required: ${expected}`
      : `expected ${expected}, not ${nameOfType(value)}`;
  }
  if (issue.code === 'invalid_union') {
    return value === undefined
      ? 'is required'
      : `nothing of this form is expected here: ${nameOfType(value)}`;
  }
  return issue.message;
}

function isStructure(expected: string): boolean {
  return expected === 'array' || expected === 'object';
}

function unknownKey(key: string, known: readonly string[]): string {
  const nearest = nearestName(key, known);
  if (nearest !== undefined) return `unknown key; did you mean "${nearest}"?`;
  return known.length === 0 ? 'unknown key' : `unknown key; known here: ${known.join(', ')}`;
}

function valueAt(value: unknown, path: Path): unknown {
  let found = value;
  for (const step of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = (found as Readonly<Record<PropertyKey, unknown>>)[step];
  }
  return found;
}
