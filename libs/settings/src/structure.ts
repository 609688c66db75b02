import { nearestName } from './nearest-name.ts';
import {
  INVALID,
  nameOfKind,
  type OptionalSchema,
  type Output,
  type Path,
  type Report,
  type Schema,
} from './schema.ts';

type Shape = Readonly<Record<string, Schema>>;
type OptionalKey<S extends Shape> = {
  [Key in keyof S]: S[Key] extends OptionalSchema ? Key : never;
}[keyof S];
type Flat<T> = { readonly [Key in keyof T]: T[Key] };

/** The settings that a section becomes. */
export type SectionOutput<S extends Shape> = Flat<
  { readonly [Key in Exclude<keyof S, OptionalKey<S>>]: Output<S[Key]> } & {
    readonly [Key in OptionalKey<S>]?: Output<S[Key]>;
  }
>;

interface Mistake {
  /** From the part that is checked. */
  readonly path: Path;
  readonly message: string;
}

/** Finds what is wrong with a part as a whole; runs when everything within it is right. */
export type Check<Value> = (value: Value) => Iterable<Mistake>;

/** A part with named keys; `shape` lets another section take them over. */
export interface SectionSchema<S extends Shape> extends Schema<SectionOutput<S>> {
  readonly shape: S;
}

/** A part of the file with named keys; a key that is not one of them is a problem. */
export function section<S extends Shape>(
  description: string,
  shape: S,
  check: Check<SectionOutput<S>> = () => [],
): SectionSchema<S> {
  return {
    notes: { description, type: 'section' },
    shape,
    accepts: isSection,
    read: (value, path, report) => {
      if (!isSection(value)) return refuse('a section with keys of its own', value, path, report);
      const output = readKeys(shape, value, path, report) as SectionOutput<S> | typeof INVALID;
      return output === INVALID ? INVALID : checked(output, check, path, report);
    },
  };
}

/** A section whose keys may all be left out, so that it may be left out itself. */
export function optionalSection<S extends Shape>(description: string, keys: S): Schema<SectionOutput<S>> {
  return withFallback(section(description, keys), {});
}

/** A section whose keys are the user's own, such as names of header fields; their values are alike. */
export function mapping<Value>(
  description: string,
  element: Schema<Value>,
): Schema<Readonly<Record<string, Value>>> {
  return {
    notes: { description, type: `section of ${element.notes.type}` },
    accepts: isSection,
    read: (value, path, report) => {
      if (!isSection(value)) return refuse('a section', value, path, report);
      const names = Object.keys(value);
      const outputs = names.map((name) => element.read(value[name] ?? null, [...path, name], report));
      if (outputs.includes(INVALID)) return INVALID;
      return Object.fromEntries(names.map((name, at) => [name, outputs[at] as Value]));
    },
  };
}

/** A list of alike parts. */
export function list<Element>(
  description: string,
  element: Schema<Element>,
  options: { readonly min?: number; readonly check?: Check<readonly Element[]> } = {},
): Schema<readonly Element[]> {
  const { min = 0, check = () => [] } = options;
  const { type } = element.notes;
  return {
    notes: { description, type: type === 'section' ? 'list' : `list of ${type}` },
    element,
    accepts: Array.isArray,
    read: (value, path, report) => {
      if (!Array.isArray(value)) return refuse('a list', value, path, report);
      if (value.length < min) {
        report(path, `needs at least ${min === 1 ? 'one entry' : `${min} entries`}`);
        return INVALID;
      }
      const outputs = value.map((each: unknown, at) => element.read(each ?? null, [...path, at], report));
      if (outputs.includes(INVALID)) return INVALID;
      return checked(outputs as readonly Element[], check, path, report);
    },
  };
}

/** A list that is empty when left out. */
export function optionalList<Element>(
  description: string,
  element: Schema<Element>,
): Schema<readonly Element[]> {
  return withFallback(list(description, element), []);
}

/** One value or a list of them; always a list afterwards. With a fallback, written as in the file, it may be left out. */
export function oneOrMany<Element>(
  description: string,
  element: Schema<Element>,
  fallback?: string,
): Schema<readonly Element[]> {
  const one = mapped(element, (value): readonly Element[] => [value]);
  const schema = either(description, one, list(description, element, { min: 1 }));
  if (fallback === undefined) return schema;
  return { ...withFallback(schema, fallback), notes: { ...schema.notes, default: fallback } };
}

/** Alternatives that differ in kind: a text, a list, a section. */
export function either<Outputs extends readonly unknown[]>(
  description: string,
  ...options: { readonly [At in keyof Outputs]: Schema<Outputs[At]> }
): Schema<Outputs[number]> {
  const parts: readonly Schema<Outputs[number]>[] = options;
  return {
    notes: { description, type: [...new Set(parts.map(({ notes }) => notes.type))].join(' | ') },
    options: parts,
    accepts: (value) => parts.some((part) => part.accepts(value)),
    read: (value, path, report) => {
      const meant = parts.find((part) => part.accepts(value));
      if (meant !== undefined) return meant.read(value, path, report);
      const fault = value === undefined ? `is required: ${description}` : `cannot be ${nameOfKind(value)}`;
      report(path, fault);
      return INVALID;
    },
  };
}

/** The part's value in another form. */
export function mapped<Value, Mapped>(schema: Schema<Value>, map: (value: Value) => Mapped): Schema<Mapped> {
  return {
    ...schema,
    notes: schema.notes,
    accepts: (value) => schema.accepts(value),
    read: (value, path, report) => {
      const output = schema.read(value, path, report);
      return output === INVALID ? INVALID : map(output);
    },
  };
}

/** A key that may be left out and then is absent from the settings. */
export function optional<Value>(schema: Schema<Value>): OptionalSchema<Value> {
  return { ...mapped(schema, (value) => value), optional: true, dispensable: true };
}

function withFallback<Value>(schema: Schema<Value>, fallback: unknown): Schema<Value> {
  const read: Schema<Value>['read'] = (value, path, report) => schema.read(value ?? fallback, path, report);
  return { ...schema, dispensable: true, read };
}

function readKeys(
  shape: Shape,
  value: Readonly<Record<string, unknown>>,
  path: Path,
  report: Report,
): Readonly<Record<string, unknown>> | typeof INVALID {
  const outputs: Record<string, unknown> = {};
  let valid = true;
  for (const [key, schema] of Object.entries(shape)) {
    if (value[key] === undefined && 'optional' in schema) continue;
    const output = schema.read(value[key], [...path, key], report);
    if (output === INVALID) valid = false;
    else outputs[key] = output;
  }
  for (const key of Object.keys(value)) {
    if (Object.hasOwn(shape, key)) continue;
    report([...path, key], unknownKey(key, Object.keys(shape)));
    valid = false;
  }
  return valid ? outputs : INVALID;
}

function unknownKey(key: string, known: readonly string[]): string {
  const nearest = nearestName(key, known);
  return nearest === undefined
    ? `unknown key; known here: ${known.join(', ')}`
    : `unknown key; did you mean "${nearest}"?`;
}

function checked<Value>(
  value: Value,
  check: Check<Value>,
  path: Path,
  report: Report,
): Value | typeof INVALID {
  let valid = true;
  for (const mistake of check(value)) {
    report([...path, ...mistake.path], mistake.message);
    valid = false;
  }
  return valid ? value : INVALID;
}

function refuse(expected: string, value: unknown, path: Path, report: Report): typeof INVALID {
  report(
    path,
    value === undefined ? `is required: ${expected}` : `expected ${expected}, not ${nameOfKind(value)}`,
  );
  return INVALID;
}

function isSection(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
