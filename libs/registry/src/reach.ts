/** Whether a pattern covers its name (`=`), the name and all below it (`.`), or those below only (`*`). */
export type Reach = '=' | '.' | '*';

export interface Pattern {
  readonly reach: Reach;
  /** The hostname without the prefix that says how far it reaches. */
  readonly name: string;
}

/** Takes apart a hostname pattern such as `example.com`, `.example.com` or `*.example.com`. */
export function splitPattern(pattern: string): Pattern {
  if (pattern.startsWith('*.')) return { reach: '*', name: pattern.slice(2) };
  if (pattern.startsWith('.')) return { reach: '.', name: pattern.slice(1) };
  return { reach: '=', name: pattern };
}

export function joinPattern({ reach, name }: Pattern): string {
  return reach === '=' ? name : `${reach === '*' ? '*.' : '.'}${name}`;
}

/** The names whose patterns can cover a hostname: itself, then its parents up to the last label. */
export function namesAbove(hostname: string): string[] {
  const labels = hostname.split('.');
  return labels.map((_, at) => labels.slice(at).join('.'));
}

/** Whether a pattern of one of `namesAbove(hostname)` covers the hostname. */
export function reaches({ reach, name }: Pattern, hostname: string): boolean {
  return name === hostname ? reach !== '*' : reach !== '=' && hostname.endsWith(`.${name}`);
}

/** Whether everything that `inner` covers is covered by `outer` too. */
export function patternWithin(inner: string, outer: string): boolean {
  if (outer === '*') return true;
  const [small, large] = [splitPattern(inner), splitPattern(outer)];
  if (small.name !== large.name) return reaches(large, small.name);
  return small.reach === large.reach || large.reach === '.';
}
