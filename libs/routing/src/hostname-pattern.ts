import { normaliseHostname } from './hostname.ts';

/** Which hostnames a pattern covers: its name, its name and all below, those below only, or every one. */
export type Reach = 'name' | 'tree' | 'below' | 'any';

/** `example.com`, `.example.com`, `*.example.com` or `*`, taken apart. */
export interface HostnamePattern {
  readonly reach: Reach;
  /** Empty for `any`. */
  readonly name: string;
}

/** A text that is no hostname pattern. */
export class HostnamePatternError extends Error {
  override readonly name = 'HostnamePatternError';
  readonly pattern: string;

  constructor(pattern: string) {
    super(`${JSON.stringify(pattern)} is no hostname pattern`);
    this.pattern = pattern;
  }
}

/** Throws HostnamePatternError. Whether `*` is allowed is the caller's to decide. */
export function parseHostnamePattern(text: string): HostnamePattern {
  if (text === '*') return { reach: 'any', name: '' };
  const prefix = /^\*?\./.exec(text)?.[0] ?? '';
  const name = normaliseHostname(text.slice(prefix.length));
  if (name === undefined) throw new HostnamePatternError(text);
  return { reach: prefix === '' ? 'name' : prefix === '.' ? 'tree' : 'below', name };
}

/** The one spelling of a pattern: what `candidatesOf` yields and registries use as a key. */
export function patternText(pattern: HostnamePattern): string {
  const { reach, name } = pattern;
  switch (reach) {
    case 'name':
      return name;
    case 'tree':
      return `.${name}`;
    case 'below':
      return `*.${name}`;
    case 'any':
      return '*';
    default:
      return reach satisfies never;
  }
}

/** Whether the pattern covers `hostname`, which must be normalised. */
export function covers({ reach, name }: HostnamePattern, hostname: string): boolean {
  if (reach === 'any') return true;
  if (hostname === name) return reach !== 'below';
  return reach !== 'name' && hostname.endsWith(name) && hostname.at(-name.length - 1) === '.';
}

/**
 * Every pattern that covers `hostname` (normalised), the most specific first: the name itself, then level by level
 * upwards `*.` before `.`, and `*` last. 2n + 1 texts for a name of n labels.
 */
export function candidatesOf(hostname: string): string[] {
  const candidates = [hostname, `.${hostname}`];
  for (let parent = parentOf(hostname); parent !== undefined; parent = parentOf(parent)) {
    candidates.push(`*.${parent}`, `.${parent}`);
  }
  candidates.push('*');
  return candidates;
}

/** `hostname` without its first label. */
export function parentOf(hostname: string): string | undefined {
  const dot = hostname.indexOf('.');
  return dot === -1 ? undefined : hostname.slice(dot + 1);
}
