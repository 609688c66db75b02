import type { Logger } from '@culvert/telemetry';

/**
 * The log of one part of a process that runs several. A part's `ready` is called `part ready`: whoever waits for the
 * process to be ready must not take one of its parts for it.
 */
export function partLogger(logger: Logger, part: string): Logger {
  return withoutReady(logger.with({ part }));
}

/** The log of a process that is only a part of what somebody waits for. */
export function withoutReady(logger: Logger): Logger {
  return {
    ...logger,
    info: (event, fields) => logger.info(event === 'ready' ? 'part ready' : event, fields),
    with: (fields) => withoutReady(logger.with(fields)),
  };
}
