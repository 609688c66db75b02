import type * as z from 'zod/mini';
import { notes } from './field.ts';
import { definitionOf, keysAt, unwrap } from './schema-walk.ts';

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
export function describeSettings(schema: z.core.$ZodType): readonly KeyNotes[] {
  return [...walk(schema, '')];
}

/** The top-level keys that a file of this kind knows. */
export function keysOf(schema: z.core.$ZodType): readonly string[] {
  return keysAt(schema, []);
}

function* walk(schema: z.core.$ZodType, key: string): Generator<KeyNotes> {
  const inner = unwrap(schema);
  const { shape, element, options } = definitionOf(inner);
  if (key !== '' && !key.endsWith('[]')) yield notesOf(schema, inner, key);
  if (element !== undefined) yield* walk(element, `${key}[]`);
  for (const [name, child] of Object.entries(shape ?? {}))
    yield* walk(child, key === '' ? name : `${key}.${name}`);
  const sections = (options ?? []).filter((option) => definitionOf(unwrap(option)).shape !== undefined);
  for (const option of sections) yield* [...walk(option, key)].slice(1);
}

function notesOf(schema: z.core.$ZodType, inner: z.core.$ZodType, key: string): KeyNotes {
  const found = notes.get(schema) ?? notes.get(inner);
  const optional = ['optional', 'prefault', 'default'].includes(definitionOf(schema).type);
  return {
    key,
    type: found?.type ?? typeOf(inner),
    description: found?.description ?? '',
    ...(found?.default === undefined ? {} : { default: found.default }),
    required: !optional && found?.default === undefined,
  };
}

function typeOf(schema: z.core.$ZodType): string {
  const { type, element, options } = definitionOf(schema);
  if (type === 'object') return 'section';
  if (options !== undefined) return [...new Set(options.map((option) => typeOf(unwrap(option))))].join(' | ');
  if (element === undefined) return notes.get(schema)?.type ?? 'text';
  const inner = typeOf(unwrap(element));
  return inner === 'section' ? 'list' : `list of ${inner}`;
}
