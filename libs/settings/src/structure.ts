import * as z from 'zod/mini';
import { notes, type Schema } from './field.ts';

type Shape = Readonly<Record<string, z.core.$ZodType>>;
type Problems<Output> = (
  value: Output,
) => Iterable<{ readonly path: readonly (string | number)[]; readonly message: string }>;

/**
 * A part of the file with named keys; a key that is not one of them is a problem.
 * @param check finds what is wrong with the keys taken together; it runs when each of them is right
 */
export function section<const S extends Shape>(
  description: string,
  shape: S,
  check?: Problems<z.output<z.ZodMiniObject<z.core.util.Writeable<S>, z.core.$strict>>>,
): z.ZodMiniObject<z.core.util.Writeable<S>, z.core.$strict> {
  const object = z.strictObject(shape);
  const schema = check === undefined ? object : object.check(checkOf(check));
  notes.add(schema, { description });
  return schema;
}

/** A section whose keys all have defaults, so that it may be left out. */
export function optionalSection<const S extends Shape>(
  description: string,
  shape: S,
): z.ZodMiniPrefault<z.ZodMiniObject<z.core.util.Writeable<S>, z.core.$strict>> {
  return z.prefault(section(description, shape), {} as never);
}

/** A list of alike parts; with `fallback`, which is written as in the file, it may be left out. */
export function list<E extends z.core.$ZodType>(
  description: string,
  element: E,
  options: { readonly min?: number; readonly check?: Problems<z.output<E>[]> } = {},
): z.ZodMiniArray<E> {
  const { min = 0, check } = options;
  const array = z.array(element).check(
    checkOf(function* (value) {
      if (value.length < min)
        yield { path: [], message: `needs at least ${min === 1 ? 'one entry' : `${min} entries`}` };
      else if (check !== undefined) yield* check(value);
    }),
  );
  notes.add(array, { description });
  return array;
}

/** A list that is empty when left out. */
export function optionalList<E extends z.core.$ZodType>(
  description: string,
  element: E,
): z.ZodMiniPrefault<z.ZodMiniArray<E>> {
  return z.prefault(list(description, element), [] as never);
}

/** One value or a list of them; always a list afterwards. */
export function oneOrMany<Output>(description: string, element: Schema<Output>): Schema<readonly Output[]> {
  const one = mapped(element, (value): readonly Output[] => [value]);
  const many = mapped(list(description, element, { min: 1 }), (values) => values as readonly Output[]);
  return either(description, one, many);
}

/** Alternatives that differ in kind: a text, a list, a section. */
export function either<Outputs extends readonly unknown[]>(
  description: string,
  ...options: { readonly [At in keyof Outputs]: Schema<Outputs[At]> }
): Schema<Outputs[number]> {
  const schema = z.union(options) as unknown as Schema<Outputs[number]>;
  notes.add(schema, { description });
  return schema;
}

/** The schema's value in another form. */
export function mapped<S extends z.core.$ZodType, Output>(
  schema: S,
  map: (value: z.output<S>) => Output,
): Schema<Output> {
  return z.pipe(schema, z.transform(map as never)) as unknown as Schema<Output>;
}

/** A key that may be left out and then is absent from the settings. */
export function optional<S extends z.core.$ZodType>(schema: S): z.ZodMiniExactOptional<S> {
  return z.exactOptional(schema);
}

function checkOf<Output>(check: Problems<Output>): z.core.CheckFn<Output> {
  return (payload) => {
    for (const { path, message } of check(payload.value)) {
      payload.issues.push({ code: 'custom', path: [...path], message, input: payload.value });
    }
  };
}
