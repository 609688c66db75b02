import type { EdgeSettings } from '@culvert/edge/settings';
import { isSuccessor, run, type ExitStatus, type Service } from '@culvert/lifecycle';
import type { ReadFile } from '@culvert/settings';
import { createLogger } from '@culvert/telemetry';
import { UsageError } from './failure.ts';
import { tellServiceManager } from './service-manager.ts';
import { Supervisor, WorkerFailedError } from './supervisor.ts';
import { serveWorkersAdmin } from './workers-admin.ts';

/** What the workers get for saying goodbye beyond their own time to drain, ms. */
const LEAVE_GRACE_MS = 3_000;

/** Runs the workers of an edge until a signal ends them. Signals are passed on: to reload, and to replace each worker. */
export async function supervise(read: () => ReadFile<EdgeSettings>): Promise<never> {
  // Its sockets are for one process, and it would wait for that one.
  if (isSuccessor())
    throw new UsageError('"workers" needs a restart: several processes cannot take over from one');
  const { id, workers, admin, log, drainTimeout } = read().settings;
  const logger = await createLogger({ service: 'edge', level: log.level });
  const supervisor = new Supervisor(workers, logger);
  process.once('exit', () => supervisor.end());
  let draining = false;
  const start = async (): Promise<Service> => {
    const server =
      admin === undefined
        ? undefined
        : await serveWorkersAdmin(admin.listen, supervisor, logger, () => draining);
    await supervisor.start();
    logger.info('ready', { edge: id, workers, admin: server?.address });
    tellServiceManager();
    return {
      drain: async () => {
        draining = true;
        await supervisor.stop();
        await server?.close();
      },
    };
  };
  process.on('SIGHUP', () => supervisor.signal('SIGHUP'));
  process.on('SIGUSR2', () => void supervisor.replace());
  const status = run(start, {
    logger,
    // It may have changed meanwhile, for the workers.
    get drainTimeout() {
      return Math.max(drainTimeout, drainTimeoutNow(read)) + LEAVE_GRACE_MS;
    },
  });
  process.exit(await status.catch(failureOfWorker));
}

/** As if there was only the one process. */
function failureOfWorker(error: unknown): ExitStatus {
  if (!(error instanceof WorkerFailedError)) throw error;
  for (const line of error.lines) process.stderr.write(`${line}\n`);
  return 1;
}

/** What the file says now; a broken one says nothing. */
function drainTimeoutNow(read: () => ReadFile<EdgeSettings>): number {
  try {
    return read().settings.drainTimeout;
  } catch {
    return 0;
  }
}
