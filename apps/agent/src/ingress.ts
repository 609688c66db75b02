import type { IngressRule } from './settings.ts';

/** Hostnames whose rules are remembered; with wildcards there may be any number of them. */
const MAX_REMEMBERED = 1_024;

/** One rule with what it leads to. */
export interface IngressEntry<Target> {
  readonly rule: Pick<IngressRule, 'hostname' | 'path'>;
  readonly target: Target;
}

interface CompiledRule<Target> {
  readonly hostname: string | undefined;
  readonly path: ((path: string) => boolean) | undefined;
  readonly target: Target;
}

/** The agent's own list of rules: the first one that fits decides. */
export class Ingress<Target> {
  readonly #rules: readonly CompiledRule<Target>[];
  readonly #byHostname = new Map<string, readonly CompiledRule<Target>[]>();

  constructor(entries: readonly IngressEntry<Target>[]) {
    this.#rules = entries.map(({ rule, target }) => ({
      hostname: rule.hostname,
      path: rule.path === undefined ? undefined : pathMatcher(rule.path),
      target,
    }));
  }

  /**
   * Where a request leads.
   * @param hostname in lower case, without port
   * @param path without query
   */
  find(hostname: string, path: string): Target | undefined {
    for (const rule of this.#rulesFor(hostname)) {
      if (rule.path === undefined || rule.path(path)) return rule.target;
    }
    return undefined;
  }

  /** Where a raw connection leads: by its hostname, or, where it names none, the catch-all before the first rule. */
  findRaw(hostname: string): Target | undefined {
    if (hostname !== '') return this.#rulesFor(hostname)[0]?.target;
    return (this.#rules.find((rule) => rule.hostname === undefined) ?? this.#rules[0])?.target;
  }

  #rulesFor(hostname: string): readonly CompiledRule<Target>[] {
    const known = this.#byHostname.get(hostname);
    if (known !== undefined) return known;
    const rules = this.#rules.filter(
      (rule) => rule.hostname === undefined || matches(rule.hostname, hostname),
    );
    if (this.#byHostname.size >= MAX_REMEMBERED) this.#byHostname.clear();
    this.#byHostname.set(hostname, rules);
    return rules;
  }
}

/** `.example.com` is the name and all below it, `*.example.com` only those below. */
function matches(pattern: string, hostname: string): boolean {
  if (pattern.startsWith('*.')) return hostname.endsWith(pattern.slice(1));
  if (pattern.startsWith('.')) return hostname === pattern.slice(1) || hostname.endsWith(pattern);
  return hostname === pattern;
}

/** `/prefix`, `= /exact` or `~ regular expression`, as the settings have checked it. */
function pathMatcher(rule: string): (path: string) => boolean {
  if (rule.startsWith('~ ')) {
    const expression = new RegExp(rule.slice(2));
    return (path) => expression.test(path);
  }
  if (rule.startsWith('= ')) return (path) => path === rule.slice(2);
  return (path) => path.startsWith(rule);
}
