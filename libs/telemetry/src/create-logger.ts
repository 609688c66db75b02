import { pino } from 'pino';
import { openLogSink, type LogSink } from './log-sink.ts';
import type { LogFields, Logger, LogLevel } from './logger.ts';

export interface LoggerOptions {
  /** `edge`, `router`, `agent`: who writes. */
  readonly service: string;
  readonly level?: LogLevel;
  /** Added to each line. */
  readonly fields?: LogFields;
  /** Receives each line instead of the standard output. */
  readonly write?: (line: string) => void;
}

export interface RootLogger extends Logger {
  readonly losses: LogSink['losses'];
  /** From now on these and more important lines are written, by loggers made with `with`, too. */
  setLevel(level: LogLevel): void;
}

/** What a logger shares with those made of it. */
interface Threshold {
  level: LogLevel;
}

/** Fields whose values never reach a log, at the top or one level down. */
const SECRET_FIELDS = ['token', 'authorization', 'secret', 'password', 'cookie'];
const REDACTED = SECRET_FIELDS.flatMap((name) => [name, `*.${name}`]);

/** A logger of JSON lines on the standard output; on a terminal they are made readable. */
export async function createLogger(options: LoggerOptions): Promise<RootLogger> {
  const sink = await openSink(options);
  const root = pino(
    {
      level: LEVELS[0],
      base: { service: options.service, ...options.fields },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: serializeError },
      redact: REDACTED,
    },
    sink,
  );
  const threshold: Threshold = { level: options.level ?? 'info' };
  const setLevel = (level: LogLevel): void => void (threshold.level = level);
  return Object.assign(wrap(root, threshold), { losses: sink.losses, setLevel });
}

async function openSink(options: LoggerOptions): Promise<LogSink> {
  const noLosses = { failed: 0, dropped: 0 };
  if (options.write !== undefined) return { write: options.write, losses: noLosses };
  if (process.stdout.isTTY !== true) return openLogSink();
  const { prettyFactory } = await import('pino-pretty');
  const pretty = prettyFactory({ colorize: true, ignore: 'service', translateTime: 'SYS:HH:MM:ss.l' });
  const sink = openLogSink();
  return { write: (line) => sink.write(pretty(line)), losses: sink.losses };
}

/** An error as a value that JSON can hold; anything else stays as it is. */
function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  return { name: error.name, message: error.message, stack: error.stack };
}

/** From the least important one. */
const LEVELS: readonly [LogLevel, ...LogLevel[]] = ['debug', 'info', 'warn', 'error', 'fatal'];

function wrap(target: pino.Logger, threshold: Threshold): Logger {
  const enabled = (level: LogLevel): boolean => LEVELS.indexOf(level) >= LEVELS.indexOf(threshold.level);
  const at =
    (level: LogLevel) =>
    (event: string, fields: LogFields = {}): void => {
      if (enabled(level)) target[level](fields, event);
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
    enabled,
    with: (fields) => wrap(target.child(fields), threshold),
  };
}
