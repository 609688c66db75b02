export type Environment = Readonly<Record<string, string | undefined>>;

const REFERENCE = /\$\$\{|\$\{([^}]*)\}/g;
const FORM = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s;

/**
 * Puts the environment's values in place of `${NAME}` and `${NAME:-used when NAME is unset or empty}`; `$${` stands
 * for `${` itself. Values are not searched again.
 * @param onProblem is told of each reference that cannot be replaced
 */
export function substitute(text: string, env: Environment, onProblem: (message: string) => void): string {
  return text.replace(REFERENCE, (whole, inner: string | undefined) => {
    if (inner === undefined) return '${';
    const match = FORM.exec(inner);
    if (match === null) {
      onProblem(`"${whole}" is not a variable's name; write "$\${" for the characters themselves`);
      return '';
    }
    const [, name = '', fallback] = match;
    const value = env[name];
    if (value !== undefined && (value !== '' || fallback === undefined)) return value;
    if (fallback === undefined) onProblem(`environment variable ${name} is not set`);
    return fallback ?? '';
  });
}
