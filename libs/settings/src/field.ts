import * as z from 'zod/mini';

// A configuration is read once: generating code for it costs more than it saves.
z.config({ jitless: true });

/** What the documentation says of a key. */
export interface FieldNotes {
  /** Half a sentence: what the value decides. */
  readonly description: string;
  /** What may stand there: `duration`, `size`, `hostname pattern`; absent for sections and lists. */
  readonly type?: string;
  /** As one would write it in the file. */
  readonly default?: string;
}

export const notes = z.registry<FieldNotes>();

/** Any part of a schema. */
export type Schema<Output = unknown> = z.ZodMiniType<Output>;

/** How a value of the file becomes a setting. */
export interface FieldKind<Output> {
  /** Name for the documentation. */
  readonly type: string;
  /** Completes "expected ...", with an example where the form is not obvious. */
  readonly expected: string;
  /** Turns a text of the file into the setting; `undefined` refuses it. */
  readonly parse: (text: string) => Output | undefined;
  /** Never repeat the value in a message. */
  readonly hidden?: boolean;
}

/** A field written as text. With a fallback, which is written as in the file, the key may be left out. */
export function textField<Output>(
  kind: FieldKind<Output>,
  description: string,
  fallback?: string,
): Schema<Output> {
  const read = (value: unknown): Reading<Output> => {
    if (typeof value !== 'string') return { wrong: 'type' };
    const output = kind.parse(value);
    return output === undefined ? { wrong: 'value' } : { output };
  };
  return field(
    { ...kind, read },
    description,
    fallback === undefined ? undefined : { text: fallback, value: fallback },
  );
}

/** A whole number. Digits as text are taken too, so that `${NAME}` can supply one. */
export function numberField(
  range: { readonly min: number; readonly max: number },
  description: string,
  fallback?: number,
): Schema<number> {
  const { min, max } = range;
  const read = (value: unknown): Reading<number> => {
    const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
    if (typeof number !== 'number') return { wrong: 'type' };
    return Number.isInteger(number) && number >= min && number <= max
      ? { output: number }
      : { wrong: 'value' };
  };
  const expected =
    max === Number.MAX_SAFE_INTEGER ? `a whole number from ${min}` : `a number from ${min} to ${max}`;
  const written = fallback === undefined ? undefined : { text: String(fallback), value: fallback };
  return field({ type: 'number', expected, read }, description, written);
}

type Reading<Output> = { readonly output: Output } | { readonly wrong: 'type' | 'value' };

interface Reader<Output> {
  readonly type: string;
  readonly expected: string;
  readonly hidden?: boolean;
  readonly read: (value: unknown) => Reading<Output>;
}

interface Fallback {
  readonly text: string;
  readonly value: unknown;
}

function field<Output>(reader: Reader<Output>, description: string, fallback?: Fallback): Schema<Output> {
  const schema = z.transform<unknown, Output>((given, payload) => {
    const value = given === undefined ? fallback?.value : given;
    const reading = reader.read(value);
    if ('output' in reading) return reading.output as Awaited<Output>;
    payload.issues.push(
      value === undefined
        ? { code: 'custom', message: `is required: ${description}`, input: value }
        : refusal(reader, value, reading.wrong),
    );
    return z.NEVER;
  }) as unknown as Schema<Output>;
  notes.add(schema, { description, type: reader.type, ...(fallback ? { default: fallback.text } : {}) });
  return schema;
}

function refusal(reader: Reader<unknown>, value: unknown, wrong: 'type' | 'value'): z.core.$ZodRawIssue {
  const shown =
    wrong === 'type' ? nameOfType(value) : reader.hidden === true ? 'this value' : JSON.stringify(value);
  const message = `expected ${reader.expected}, not ${shown}`;
  return wrong === 'type'
    ? { code: 'invalid_type', expected: 'string', message, input: value }
    : { code: 'custom', message, input: value };
}

/** What a value of the wrong kind is called in messages. */
export function nameOfType(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a section';
  return `the ${typeof value} ${String(value)}`;
}
