import * as z from 'zod/mini';
import { problemsOf } from './issues.ts';
import type { ReadOnly } from './read-only.ts';
import { SettingsError } from './settings-error.ts';

/**
 * Checks a value that came from elsewhere than a file, such as the body of a request, by the same rules.
 * @throws SettingsError whose problems name the key; their line is always 1
 */
export function checkValue<S extends z.core.$ZodType>(
  value: unknown,
  schema: S,
  source: string,
): ReadOnly<z.output<S>> {
  const result = z.safeParse(schema, value);
  if (result.success) return result.data as ReadOnly<z.output<S>>;
  const document = { value, readable: true, problems: [], lineOf: () => 1 };
  throw new SettingsError(problemsOf(result.error, schema, document, source));
}
