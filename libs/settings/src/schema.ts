/** What the documentation says of a part of a file. */
export interface Notes {
  /** Half a sentence: what the value decides. */
  readonly description: string;
  /** What may stand there: `duration`, `section`, `list of hostname pattern`. */
  readonly type: string;
  /** As one would write it in the file. */
  readonly default?: string;
}

export type Path = readonly (string | number)[];

/** Takes down what is wrong, and where. */
export type Report = (path: Path, message: string) => void;

/** Stands for a value that was refused, after the reasons were reported. */
export const INVALID = Symbol('invalid');

/**
 * A part of a file: checks a value and turns it into a setting. The parts know their descriptions, so that what is
 * checked and what is documented are the same.
 */
export interface Schema<Output = unknown> {
  readonly notes: Notes;
  /** Whether the value is of the kind (text, number, list, section) that this part is about. */
  accepts(value: unknown): boolean;
  /** Reads a value; `undefined` stands for a key that was left out. */
  read(value: unknown, path: Path, report: Report): Output | typeof INVALID;
  /** The key may be left out, because the value has a default or is optional. */
  readonly dispensable?: boolean;
  /** The parts within this one. */
  readonly shape?: Readonly<Record<string, Schema>>;
  readonly element?: Schema;
  readonly options?: readonly Schema[];
}

/** A part whose key is absent from the settings when the file leaves it out. */
export interface OptionalSchema<Output = unknown> extends Schema<Output> {
  readonly optional: true;
}

/** What a schema turns values into. */
export type Output<S extends Schema> = S extends Schema<infer Value> ? Value : never;

/** What a value of the wrong kind is called in messages. */
export function nameOfKind(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a section';
  return `the ${typeof value} ${JSON.stringify(value)}`;
}
