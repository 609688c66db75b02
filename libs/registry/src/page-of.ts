import { decodeCursor, encodeCursor } from './cursor.ts';
import type { Listed, Page } from './registry.ts';

/** One page of a map in the order of its keys; the cursor is the last key of the page. */
export function pageOf<T>(items: ReadonlyMap<string, T>, { limit, cursor }: Page): Listed<T> {
  const [after = ''] = cursor === undefined ? [] : decodeCursor(cursor, 1);
  const keys = [...items.keys()].sort().filter((key) => key > after);
  const shown = keys.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map((key) => items.get(key)).filter((item) => item !== undefined),
    ...(keys.length > limit && last !== undefined ? { cursor: encodeCursor([last]) } : {}),
  };
}
