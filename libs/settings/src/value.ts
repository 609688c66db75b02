import { INVALID, type Output, type Schema } from './schema.ts';
import { SettingsError, type Problem } from './settings-error.ts';

/**
 * Checks a value that came from elsewhere than a file, such as the body of a request, by the same rules.
 * @throws SettingsError whose problems name the key; their line is always 1
 */
export function checkValue<S extends Schema>(value: unknown, schema: S, source: string): Output<S> {
  const problems: Problem[] = [];
  const output = schema.read(value, [], (path, message) => {
    problems.push({ file: source, line: 1, key: path.join('.'), message });
  });
  if (output === INVALID) throw new SettingsError(problems);
  return output as Output<S>;
}
