import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
} from 'yaml';
import { substitute, type Environment } from './environment.ts';
import type { Path } from './schema.ts';
import type { Problem } from './settings-error.ts';

/** A configuration file as plain values, with what it takes to say where each of them stands. */
export interface ConfigDocument {
  readonly value: unknown;
  /** False when it is not YAML at all, so that there is nothing to check. */
  readonly readable: boolean;
  readonly problems: readonly Problem[];
  /** Line of a key, or of the nearest one around it that exists. */
  lineOf(path: Path): number;
}

/** Parses YAML (and so JSON) and fills in the environment. */
export function readDocument(text: string, file: string, env: Environment): ConfigDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const lineAt = (offset: number): number => Math.max(1, lines.linePos(offset).line);
  const problems = [...document.errors, ...document.warnings].map((error): Problem => {
    const line = lineAt(error.pos[0]);
    if (error.code === 'DUPLICATE_KEY') {
      const message = 'is given twice; keys must be unique';
      return { file, line, key: keyAt(document, error.pos[0]), message };
    }
    return { file, line, key: '', message: explain(error.message, text.split('\n')[line - 1] ?? '') };
  });
  const lineOf = (path: Path): number => lineAt(offsetOf(document, path));
  if (problems.length > 0) return { value: undefined, readable: false, problems, lineOf };
  fill(document, env, (message, node) => {
    problems.push({ file, line: lineAt(node.range?.[0] ?? 0), key: keyOf(document, node), message });
  });
  try {
    return {
      value: document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown,
      readable: true,
      problems,
      lineOf,
    };
  } catch (error) {
    const message = error instanceof Error ? lowered(error.message) : String(error);
    return { value: undefined, readable: false, problems: [{ file, line: 1, key: '', message }], lineOf };
  }
}

/** Bounds how far aliases may multiply a small file. */
const MAX_ALIASES = 100;

function explain(message: string, line: string): string {
  const hint = /\{[^"']*\$\{/.test(line) ? ' (quote a value that holds "${...}")' : '';
  return lowered(message) + hint;
}

function lowered(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}

/** Replaces references in all texts that are values; keys and comments stay as they are. */
function fill(
  document: Document.Parsed,
  env: Environment,
  onProblem: (message: string, node: Node) => void,
): void {
  visit(document, {
    Scalar(key, node) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) return;
      node.value = substitute(node.value, env, (message) => onProblem(message, node));
    },
  });
}

/** Path of the key that stands at an offset. */
function keyAt(document: Document.Parsed, offset: number): string {
  let found: Node | undefined;
  visit(document, {
    Scalar(key, node) {
      if (key !== 'key' || node.range?.[0] !== offset) return;
      found = node;
      return visit.BREAK;
    },
  });
  return found === undefined ? '' : keyOf(document, found);
}

/** Path of a node, for messages. Only failures pay for the search. */
function keyOf(document: Document.Parsed, wanted: Node): string {
  let found = '';
  visit(document, {
    Scalar(key, node, ancestors) {
      if (node !== wanted) return;
      const steps: string[] = [];
      for (const [at, ancestor] of ancestors.entries()) {
        const child = ancestors[at + 1] ?? node;
        if (isSeq(ancestor)) steps.push(String(ancestor.items.indexOf(child)));
        if ('key' in ancestor && isScalar(ancestor.key)) steps.push(String(ancestor.key.value));
      }
      found = steps.join('.');
      return visit.BREAK;
    },
  });
  return found;
}

/** Where the key of the last step stands; of the nearest step that exists when it does not. */
function offsetOf(document: Document.Parsed, path: Path): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range?.[0] ?? 0;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (pair === undefined) return offset;
      offset = isScalar(pair.key) ? (pair.key.range?.[0] ?? offset) : offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      offset = (node as Node | undefined)?.range?.[0] ?? offset;
    } else return offset;
  }
  return offset;
}
