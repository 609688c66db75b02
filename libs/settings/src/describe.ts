import type { Schema } from './schema.ts';

/** One key of a configuration file, for its documentation. */
export interface KeyNotes {
  /** Path with `[]` for the entries of a list: `routes[].hostname`. */
  readonly key: string;
  readonly type: string;
  readonly description: string;
  /** As one would write it; absent when there is none. */
  readonly default?: string;
  readonly required: boolean;
}

/** Every key that a schema knows, in the schema's order. */
export function describeSettings(schema: Schema): readonly KeyNotes[] {
  return [...within(schema, '')];
}

/** The top-level keys that a file of this kind knows. */
export function keysOf(schema: Schema): readonly string[] {
  return Object.keys(schema.shape ?? {});
}

function* within(schema: Schema, path: string): Generator<KeyNotes> {
  for (const [name, child] of Object.entries(schema.shape ?? {})) {
    const key = path === '' ? name : `${path}.${name}`;
    yield { key, ...child.notes, required: child.dispensable !== true };
    yield* within(child, key);
  }
  if (schema.element !== undefined) yield* within(schema.element, `${path}[]`);
  for (const option of schema.options ?? []) yield* within(option, path);
}
