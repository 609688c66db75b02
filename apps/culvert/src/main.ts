import { reportFailure } from './failure.ts';
import { createProgram } from './program.ts';

try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = reportFailure(error, (line) => void process.stderr.write(`${line}\n`));
  // Whatever was started before the failure must not keep the process alive.
  process.exit();
}
