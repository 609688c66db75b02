import { parentOf, parseHostnamePattern } from './hostname-pattern.ts';
import type { Reach } from './hostname-pattern.ts';
import { PathRules } from './path-rules.ts';

/** What is left to decide once the hostname is known. */
export interface HostRoutes<T> {
  /** `path` is without query. */
  match(path: string): T | undefined;
}

type Level<T> = Map<string, PathRules<T>>;

/**
 * Hostname and path to whatever a route leads to. The most specific hostname pattern decides: the exact name, then
 * level by level upwards `*.parent` before `.parent`, then `*`. Where none of its paths fit, the next pattern has its
 * turn, so `api.example.com/v1` leaves the rest of that host to `.example.com`. Paths: see PathRules.
 */
export class RouteTable<T> {
  readonly #names: Level<T> = new Map();
  readonly #trees: Level<T> = new Map();
  readonly #below: Level<T> = new Map();
  readonly #any: Level<T> = new Map();

  /** Without a path the route takes all paths. Throws HostnamePatternError or PathPatternError. */
  add(hostname: string, path: string | undefined, value: T): void {
    const { reach, name } = parseHostnamePattern(hostname);
    const level = this.#level(reach);
    const rules = level.get(name) ?? new PathRules<T>();
    rules.add(path, value);
    level.set(name, rules);
  }

  /** `hostname` must be normalised, `path` is without query. A few look-ups a label. */
  match(hostname: string, path: string): T | undefined {
    return firstMatch(this.#covering(hostname), path);
  }

  /** All that covers one hostname, for who keeps asking about it. Later additions of hostnames are not seen. */
  routesOf(hostname: string): HostRoutes<T> {
    const covering = this.#covering(hostname);
    return { match: (path) => firstMatch(covering, path) };
  }

  #covering(hostname: string): PathRules<T>[] {
    const covering: (PathRules<T> | undefined)[] = [this.#names.get(hostname), this.#trees.get(hostname)];
    if (this.#below.size > 0 || this.#trees.size > 0) {
      for (let parent = parentOf(hostname); parent !== undefined; parent = parentOf(parent)) {
        covering.push(this.#below.get(parent), this.#trees.get(parent));
      }
    }
    covering.push(this.#any.get(''));
    return covering.filter((rules) => rules !== undefined);
  }

  #level(reach: Reach): Level<T> {
    switch (reach) {
      case 'name':
        return this.#names;
      case 'tree':
        return this.#trees;
      case 'below':
        return this.#below;
      case 'any':
        return this.#any;
      default:
        return reach satisfies never;
    }
  }
}

function firstMatch<T>(covering: readonly PathRules<T>[], path: string): T | undefined {
  for (const rules of covering) {
    const value = rules.match(path);
    if (value !== undefined) return value;
  }
  return undefined;
}
