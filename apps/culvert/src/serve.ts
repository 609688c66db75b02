import { flushCompileCache } from 'node:module';
import { run, type Service } from '@culvert/lifecycle';
import { livePart, type LiveParts, type ReadFile } from '@culvert/settings';
import {
  createLogger,
  declareLogMetrics,
  declareProcessMetrics,
  Metrics,
  type Logger,
  type LogLevel,
  type RootLogger,
} from '@culvert/telemetry';
import { Reloading } from './reloading.ts';
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

/** A service that can change parts of its settings while it runs. */
export interface LiveService<Settings> extends Service {
  readonly live: LiveParts<Settings>;
}

/** The configuration file of a service. */
export interface ServiceFile<Settings> {
  /** @throws SettingsError */
  readonly read: () => ReadFile<Settings>;
  /** Where the file says what concerns the process itself, if not at its top. */
  readonly section?: string;
  /** What concerns the process itself. */
  readonly own: (settings: Settings) => ProcessSettings;
}

/** Runs a service until a signal ends it, and then the process with the fitting status. */
export async function serve(
  name: string,
  settings: ProcessSettings,
  start: (parts: ProcessParts) => Promise<Service>,
): Promise<never> {
  const logger = await createLogger({ service: name, level: settings.log.level });
  return runService(start, logger, settings);
}

/** The same for a service with a file: SIGHUP and changes of the file change what runs. */
export async function serveFile<Settings>(
  name: string,
  { read, own, section }: ServiceFile<Settings>,
  start: (settings: Settings, parts: ProcessParts) => Promise<LiveService<Settings>>,
): Promise<never> {
  const file = read();
  const logger = await createLogger({ service: name, level: own(file.settings).log.level });
  const reloading = new Reloading({ file, read, logger });
  const log = livePart<Settings>([section === undefined ? 'log' : `${section}.log`], (next) =>
    logger.setLevel(own(next).log.level),
  );
  const starting = async (parts: ProcessParts): Promise<Service> => {
    const service = await start(file.settings, parts);
    reloading.begin([log, ...service.live]);
    return {
      drain: () => {
        reloading.end();
        return service.drain();
      },
      ...(service.closed === undefined ? {} : { closed: service.closed }),
    };
  };
  return runService(starting, logger, {
    get drainTimeout() {
      return own(reloading.settings).drainTimeout;
    },
  });
}

async function runService(
  start: (parts: ProcessParts) => Promise<Service>,
  logger: RootLogger,
  settings: Pick<ProcessSettings, 'drainTimeout'>,
): Promise<never> {
  const metrics = new Metrics();
  declareProcessMetrics(metrics, { version: VERSION });
  declareLogMetrics(metrics, logger.losses);
  const starting = async (): Promise<Service> => {
    const service = await start({ logger, metrics, version: VERSION });
    // Written now and not at the exit: a process that is killed must not make the next start slow.
    flushCompileCache();
    return service;
  };
  const options = {
    logger,
    // It may change while the service runs.
    get drainTimeout() {
      return settings.drainTimeout;
    },
  };
  process.exit(await run(starting, options));
}
