import type * as z from 'zod/mini';

type AnySchema = z.core.$ZodType;

/** The parts of a schema's definition that lead to other schemas. */
interface Definition {
  readonly type: string;
  readonly innerType?: AnySchema;
  readonly in?: AnySchema;
  readonly shape?: Readonly<Record<string, AnySchema>>;
  readonly element?: AnySchema;
  readonly options?: readonly AnySchema[];
}

export function definitionOf(schema: AnySchema): Definition {
  return schema._zod.def as unknown as Definition;
}

/** The schema within wrappers such as "optional" and "with default". */
export function unwrap(schema: AnySchema): AnySchema {
  const { innerType, in: source } = definitionOf(schema);
  const inner = innerType ?? source;
  return inner === undefined ? schema : unwrap(inner);
}

/** The keys that a section at this path knows; none when there is no section. */
export function keysAt(schema: AnySchema, path: readonly PropertyKey[]): readonly string[] {
  const { shape, element, options } = definitionOf(unwrap(schema));
  if (options !== undefined) return options.flatMap((option) => keysAt(option, path));
  const [step, ...rest] = path;
  if (step === undefined) return Object.keys(shape ?? {});
  const next = typeof step === 'number' ? element : shape?.[String(step)];
  return next === undefined ? [] : keysAt(next, rest);
}
