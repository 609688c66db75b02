import { covers, parseHostnamePattern } from './hostname-pattern.ts';
import type { HostnamePattern } from './hostname-pattern.ts';
import { matchesPath, parsePathPattern } from './path-pattern.ts';
import type { PathPattern } from './path-pattern.ts';
import { routingPath } from './routing-path.ts';

interface Rule<T> {
  readonly hostname: HostnamePattern;
  readonly path: PathPattern | undefined;
  readonly value: T;
}

/** Rules in the order they were added, of which the first that fits decides: an agent's ingress. */
export class RuleList<T> {
  readonly #rules: Rule<T>[] = [];

  /** Without a hostname the rule takes all of them, without a path all paths. Throws as RouteTable does. */
  add(hostname: string | undefined, path: string | undefined, value: T): void {
    this.#rules.push({
      hostname: parseHostnamePattern(hostname ?? '*'),
      path: path === undefined ? undefined : parsePathPattern(path),
      value,
    });
  }

  /**
   * `hostname` must be normalised; '' fits only rules for every hostname. `path` is without query; `undefined`, for
   * what has no paths (raw TCP), fits only rules without one.
   */
  match(hostname: string, path: string | undefined): T | undefined {
    const routed = path === undefined ? undefined : routingPath(path);
    for (const rule of this.#rules) {
      if (covers(rule.hostname, hostname) && fits(rule.path, routed)) return rule.value;
    }
    return undefined;
  }
}

function fits(pattern: PathPattern | undefined, path: string | undefined): boolean {
  return pattern === undefined || (path !== undefined && matchesPath(pattern, path));
}
