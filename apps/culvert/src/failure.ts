import type { ExitStatus } from '@culvert/lifecycle';
import { formatProblem, SettingsError } from '@culvert/settings';
import { CommanderError } from 'commander';

/** What was typed cannot be done; the message says what can. */
export class UsageError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UsageError';
  }
}

/** Tells why a command ended and returns its exit status: 2 for wrong usage or configuration, otherwise 1. */
export function reportFailure(error: unknown, tell: (line: string) => void): ExitStatus {
  // Commander has already printed its help or its complaint.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof SettingsError) {
    for (const problem of error.problems) tell(formatProblem(problem));
    return 2;
  }
  tell(`culvert: ${describe(error)}`);
  return error instanceof UsageError ? 2 : 1;
}

/** One line for what can happen to anybody; the stack for what is a fault of the program. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const ours = error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
  return ours ? (error.stack ?? error.message) : error.message;
}
