import { flushCompileCache } from 'node:module';
import {
  announceReady,
  closeGiven,
  closeListeners,
  run,
  shareAddresses,
  startSuccessor,
  SuccessorFailedError,
  type RunOptions,
  type Service,
} from '@culvert/lifecycle';
import { livePart, type LiveParts, type ReadFile } from '@culvert/settings';
import {
  createLogger,
  declareLogMetrics,
  declareProcessMetrics,
  Metrics,
  type LogFields,
  type Logger,
  type LogLevel,
  type RootLogger,
} from '@culvert/telemetry';
import { Reloading } from './reloading.ts';
import { tellServiceManager } from './service-manager.ts';
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
  readonly reusePort: boolean;
}

/** How long a process that is to take over may take to be ready, ms. */
const TAKE_OVER_TIMEOUT_MS = 30_000;
/** Sockets that were given to this process and that it has no use for by then are closed, ms after it was ready. */
const UNUSED_SOCKETS_MS = 30_000;

/** A service that can change parts of its settings while it runs. */
export interface LiveService<Settings> extends Service {
  readonly live: LiveParts<Settings>;
  /** Why no other process can take over from this one; absent: one can. */
  readonly bound?: string;
}

/** The configuration file of a service. */
export interface ServiceFile<Settings> {
  /** @throws SettingsError */
  readonly read: () => ReadFile<Settings>;
  /** Where the file says what concerns the process itself, if not at its top. */
  readonly section?: string;
  /** What concerns the process itself. */
  readonly own: (settings: Settings) => ProcessSettings;
  /** What each line of its log says besides. */
  readonly logFields?: LogFields;
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
  { read, own, section, logFields = {} }: ServiceFile<Settings>,
  start: (settings: Settings, parts: ProcessParts) => Promise<LiveService<Settings>>,
): Promise<never> {
  const file = read();
  const { level } = own(file.settings).log;
  const logger = await createLogger({ service: name, level, fields: logFields });
  const reloading = new Reloading({ file, read, logger });
  const log = livePart<Settings>([section === undefined ? 'log' : `${section}.log`], (next) =>
    logger.setLevel(own(next).log.level),
  );
  let bound: string | undefined = 'it has not been started yet';
  const starting = async (parts: ProcessParts): Promise<Service> => {
    if (own(file.settings).reusePort) shareAddresses();
    const service = await start(file.settings, parts);
    ({ bound } = service);
    reloading.begin([log, ...service.live]);
    void service.ready?.then(tellReady);
    return {
      drain: (successor) => {
        reloading.end();
        return service.drain(successor);
      },
      ...(service.closed === undefined ? {} : { closed: service.closed }),
    };
  };
  const handOver = async ({ up }: { readonly up: AbortSignal }): Promise<void> => {
    if (bound !== undefined) throw new SuccessorFailedError(bound);
    const pid = await startSuccessor(TAKE_OVER_TIMEOUT_MS, { up });
    logger.info('handed over', { pid });
    // Peers go on arriving at an edge until its agents have moved; it closes that listener itself.
    closeListeners((name) => !name.startsWith('peers '));
  };
  return runService(starting, logger, {
    handOver,
    get drainTimeout() {
      return own(reloading.settings).drainTimeout;
    },
  });
}

async function runService(
  start: (parts: ProcessParts) => Promise<Service>,
  logger: RootLogger,
  settings: Pick<RunOptions, 'drainTimeout' | 'handOver'>,
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
  const options: RunOptions = {
    logger,
    ...(settings.handOver === undefined ? {} : { handOver: settings.handOver }),
    // It may change while the service runs.
    get drainTimeout() {
      return settings.drainTimeout;
    },
  };
  process.exit(await run(starting, options));
}

/** Whoever has started this process, or supervises it, is told. */
function tellReady(): void {
  announceReady();
  setTimeout(closeGiven, UNUSED_SOCKETS_MS).unref();
  tellServiceManager();
}
