import { INVALID, nameOfKind, type Path, type Report, type Schema } from './schema.ts';

/** How a value of the file becomes a setting. */
interface FieldKind<Output> {
  /** Name for the documentation. */
  readonly type: string;
  /** Completes "expected ...", with an example where the form is not obvious. */
  readonly expected: string;
  /** Never repeat the value in a message. */
  readonly hidden?: boolean;
  readonly accepts: (value: unknown) => boolean;
  /** Turns an accepted value into the setting; `undefined` refuses it. */
  readonly parse: (value: never) => Output | undefined;
}

export type TextKind<Output> = Omit<FieldKind<Output>, 'accepts' | 'parse'> & {
  readonly parse: (text: string) => Output | undefined;
};

/** A field written as text. With a fallback, which is written as in the file, the key may be left out. */
export function textField<Output>(
  kind: TextKind<Output>,
  description: string,
  fallback?: string,
): Schema<Output> {
  return new Field<Output>({ ...kind, accepts: (value) => typeof value === 'string' }, description, fallback);
}

/** A whole number. Digits as text are taken too, so that `${NAME}` can supply one. */
export function numberField(
  range: { readonly min: number; readonly max: number },
  description: string,
  fallback?: number,
): Schema<number> {
  const { min, max } = range;
  const expected =
    max === Number.MAX_SAFE_INTEGER ? `a whole number from ${min}` : `a number from ${min} to ${max}`;
  const accepts = (value: unknown): boolean => typeof value === 'number' || isDigits(value);
  const parse = (value: number | string): number | undefined => {
    const number = Number(value);
    return Number.isInteger(number) && number >= min && number <= max ? number : undefined;
  };
  return new Field<number>({ type: 'number', expected, accepts, parse }, description, fallback);
}

/** true or false. The words as text are taken too, so that `${NAME}` can supply one. */
export function flagField(description: string, fallback?: boolean): Schema<boolean> {
  const accepts = (value: unknown): boolean =>
    typeof value === 'boolean' || value === 'true' || value === 'false';
  const parse = (value: boolean | string): boolean => value === true || value === 'true';
  return new Field<boolean>(
    { type: 'boolean', expected: 'true or false', accepts, parse },
    description,
    fallback,
  );
}

function isDigits(value: unknown): boolean {
  return typeof value === 'string' && /^\d{1,15}$/.test(value);
}

class Field<Output> implements Schema<Output> {
  readonly notes: Schema['notes'];
  readonly dispensable: boolean;
  readonly #kind: FieldKind<Output>;
  readonly #fallback: unknown;

  constructor(kind: FieldKind<Output>, description: string, fallback: string | number | boolean | undefined) {
    const written = fallback === undefined ? {} : { default: String(fallback) };
    this.notes = { description, type: kind.type, ...written };
    this.dispensable = fallback !== undefined;
    this.#kind = kind;
    this.#fallback = fallback;
  }

  accepts(value: unknown): boolean {
    return this.#kind.accepts(value);
  }

  read(given: unknown, path: Path, report: Report): Output | typeof INVALID {
    const value = given === undefined ? this.#fallback : given;
    const output = this.accepts(value) ? this.#kind.parse(value as never) : undefined;
    if (output !== undefined) return output;
    report(path, value === undefined ? `is required: ${this.notes.description}` : this.#refusal(value));
    return INVALID;
  }

  #refusal(value: unknown): string {
    const { expected, hidden } = this.#kind;
    const shown = hidden === true ? 'this value' : JSON.stringify(value);
    return `expected ${expected}, not ${this.accepts(value) || typeof value === 'string' ? shown : nameOfKind(value)}`;
  }
}
