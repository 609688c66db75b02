export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** Flat values that belong to an event; an Error is written as its message, name and stack. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Writes one line for each event. An event is named by a short constant text such as `session accepted`; everything
 * that varies goes into the fields. One line for a change of state, none for a frame or a request.
 */
export interface Logger {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  fatal(event: string, fields?: LogFields): void;
  /** Whether lines of this level are written: asked before fields are put together where that costs something. */
  enabled(level: LogLevel): boolean;
  /** A logger that adds these fields to each of its lines. */
  with(fields: LogFields): Logger;
}

const nothing = (): void => undefined;

/** Writes nothing. */
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  fatal: nothing,
  enabled: () => false,
  with: () => silentLogger,
};
