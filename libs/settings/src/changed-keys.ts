import { isDeepStrictEqual } from 'node:util';

type Section = Readonly<Record<string, unknown>>;

/** The keys whose written values differ, by path: `limits.headerSize`. Lists differ as a whole. */
export function changedKeys(before: unknown, after: unknown): string[] {
  return [...differing(before, after, '')];
}

/** Whether the key is the part or lies within it. */
export function isWithin(key: string, part: string): boolean {
  return key === part || key.startsWith(`${part}.`);
}

/** `after` with the values that `before` has for the given keys. */
export function withFormer<T>(after: T, before: T, keys: readonly string[]): T {
  return keys.reduce<unknown>((value, key) => restored(value, before, key.split('.')), after) as T;
}

function* differing(before: unknown, after: unknown, path: string): Generator<string> {
  if (!isSection(before) || !isSection(after)) {
    if (!isDeepStrictEqual(before, after)) yield path;
    return;
  }
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    yield* differing(before[name], after[name], path === '' ? name : `${path}.${name}`);
  }
}

function restored(after: unknown, before: unknown, [name, ...rest]: readonly string[]): unknown {
  if (name === undefined || !isSection(after) || !isSection(before)) return before;
  const { [name]: replaced, ...others } = after;
  const value = rest.length === 0 ? before[name] : restored(replaced, before[name], rest);
  return value === undefined ? others : { ...others, [name]: value };
}

function isSection(value: unknown): value is Section {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
