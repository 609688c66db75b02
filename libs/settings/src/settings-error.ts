/** One thing that is wrong with a configuration file. */
export interface Problem {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** Path of the key, such as `routes.0.hostname`; empty for the file as a whole. */
  readonly key: string;
  readonly message: string;
}

/** A configuration that cannot be used, with everything that is wrong with it. */
export class SettingsError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[], options?: ErrorOptions) {
    super(problems.map(formatProblem).join('\n'), options);
    this.name = 'SettingsError';
    this.problems = problems;
  }
}

/** `file:line: key: message`, as compilers write it. */
export function formatProblem({ file, line, key, message }: Problem): string {
  return key === '' ? `${file}:${line}: ${message}` : `${file}:${line}: ${key}: ${message}`;
}
