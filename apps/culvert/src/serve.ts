import { flushCompileCache } from 'node:module';
import { run, type Service } from '@culvert/lifecycle';
import {
  createLogger,
  declareLogMetrics,
  declareProcessMetrics,
  Metrics,
  type Logger,
  type LogLevel,
} from '@culvert/telemetry';
import { VERSION } from './version.ts';

/** What every service gets from the process that it runs in. */
export interface ProcessParts {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly version: string;
}

interface ProcessSettings {
  readonly log: { readonly level: LogLevel };
  readonly drainTimeout: number;
}

/** Runs a service until a signal ends it, and then the process with the fitting status. */
export async function serve(
  name: string,
  settings: ProcessSettings,
  start: (parts: ProcessParts) => Promise<Service>,
): Promise<never> {
  const logger = await createLogger({ service: name, level: settings.log.level });
  const metrics = new Metrics();
  declareProcessMetrics(metrics, { version: VERSION });
  declareLogMetrics(metrics, logger.losses);
  const starting = async (): Promise<Service> => {
    const service = await start({ logger, metrics, version: VERSION });
    // Written now and not at the exit: a process that is killed must not make the next start slow.
    flushCompileCache();
    return service;
  };
  process.exit(await run(starting, { drainTimeout: settings.drainTimeout, logger }));
}
