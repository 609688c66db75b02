import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { within } from './deadline.ts';
import { LISTENERS_VARIABLE, listeningSockets } from './listening-sockets.ts';
import { PREDECESSOR_VARIABLE } from './predecessor.ts';

/** The command that started this process, for a successor that is to run whatever is installed there then. */
const LAUNCHER_VARIABLE = 'CULVERT_LAUNCHER';
/** The descriptors before these are the standard ones. */
const CONNECTION = 3;
const FIRST_LISTENER = 4;

/** To the successor, once there is one. */
let connection: Socket | undefined;

/** The process that was to take over did not come to work. */
export class SuccessorFailedError extends Error {
  override readonly name = 'SuccessorFailedError';
}

/**
 * Starts the same command again, whose code may be newer, and gives it all listening sockets. Resolves with its process
 * id when it is ready; until this process closes its listeners both accept from the same queues.
 * @param timeout for it to become ready, in ms
 * @param given up: ends the attempt
 * @throws SuccessorFailedError; nothing has changed for this process then
 */
export async function startSuccessor(timeout: number, given: { readonly up: AbortSignal }): Promise<number> {
  const sockets = listeningSockets();
  const names = sockets.map(([name], at) => [name, FIRST_LISTENER + at]);
  const [command, ...args] = commandLine();
  const child = spawn(command, args, {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe', ...sockets.map(([, descriptor]) => descriptor)],
    env: {
      ...process.env,
      [LISTENERS_VARIABLE]: JSON.stringify(names),
      [PREDECESSOR_VARIABLE]: String(CONNECTION),
    },
  });
  const outcome = await within(ready(child, given.up), timeout).catch((error: unknown) =>
    error instanceof Error ? error.message : String(error),
  );
  if (outcome === 'done') {
    child.unref();
    return child.pid ?? 0;
  }
  // It may have begun to work; nobody knows it yet.
  child.kill('SIGKILL');
  throw new SuccessorFailedError(outcome === 'timeout' ? `was not ready within ${timeout} ms` : outcome);
}

/** The successor may do now what both could not do at the same time. */
export function yieldToSuccessor(): void {
  connection?.destroy();
}

async function ready(child: ChildProcess, givenUp: AbortSignal): Promise<void> {
  const failed = Promise.withResolvers<never>();
  givenUp.addEventListener('abort', () => failed.reject(new SuccessorFailedError('was given up')));
  child.once('error', (error) => failed.reject(error));
  child.once('exit', (status, signal) =>
    failed.reject(new SuccessorFailedError(`ended with ${signal ?? `status ${status}`}`)),
  );
  failed.promise.catch(() => undefined);
  // A pipe, as asked for.
  connection = child.stdio[CONNECTION] as Socket;
  await Promise.race([once(connection, 'data'), failed.promise]);
  connection.unref();
}

/** What starts this very command again, with the code that is installed then. */
export function commandLine(): [string, ...string[]] {
  const [script = '', ...args] = process.argv.slice(1);
  const launcher = process.env[LAUNCHER_VARIABLE];
  if (launcher !== undefined) return [launcher, ...args];
  return [process.execPath, ...process.execArgv, script, ...args];
}
