import { hasPrefix, matchesPath, parsePathPattern } from './path-pattern.ts';
import type { PathPattern } from './path-pattern.ts';
import { routingPath } from './routing-path.ts';

interface PrefixRule<T> {
  readonly path: string;
  readonly value: T;
}

interface RegexRule<T> {
  readonly pattern: PathPattern;
  readonly value: T;
}

/**
 * The paths of one hostname pattern. The exact path decides first, then the longest prefix, then the regular
 * expressions in the order they were added, then what was added without a path or for `/`. Of equal ones the first
 * added stays.
 */
export class PathRules<T> {
  readonly #exact = new Map<string, T>();
  /** The longest first. */
  readonly #prefixes: PrefixRule<T>[] = [];
  readonly #regexes: RegexRule<T>[] = [];
  #rest: PrefixRule<T> | undefined;
  #onlyRest = true;

  /** Throws PathPatternError. */
  add(path: string | undefined, value: T): void {
    const pattern = parsePathPattern(path ?? '/');
    if (pattern.kind === 'prefix' && pattern.path === '/') this.#rest ??= { path: '/', value };
    else this.#addSpecific(pattern, value);
  }

  #addSpecific(pattern: PathPattern, value: T): void {
    this.#onlyRest = false;
    if (pattern.kind === 'regex') this.#regexes.push({ pattern, value });
    else if (pattern.kind === 'exact') {
      if (!this.#exact.has(pattern.path)) this.#exact.set(pattern.path, value);
    } else {
      this.#prefixes.push({ path: pattern.path, value });
      // Stable: of equal prefixes the first added stays first.
      this.#prefixes.sort((a, b) => b.path.length - a.path.length);
    }
  }

  /** What decides for `path` (without query); `undefined` when nothing does. */
  match(path: string): T | undefined {
    return this.#onlyRest ? this.#rest?.value : (this.#specific(routingPath(path)) ?? this.#rest)?.value;
  }

  #specific(path: string): { readonly value: T } | undefined {
    if (this.#exact.has(path)) return { value: this.#exact.get(path) as T };
    const prefix = this.#prefixes.find((rule) => hasPrefix(path, rule.path));
    return prefix ?? this.#regexes.find((rule) => matchesPath(rule.pattern, path));
  }
}
