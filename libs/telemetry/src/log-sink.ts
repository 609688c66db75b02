import { fstatSync, writeSync } from 'node:fs';

/** Lines waiting for a reader that does not read, in bytes; what comes on top is dropped and counted. */
const MAX_WAITING = 1024 * 1024;
const STDOUT = 1;

/** Lines that could not be written since the process started. */
export interface LogLosses {
  /** Writes that the system refused: a full disk, a closed pipe. */
  failed: number;
  /** Lines dropped because nothing was read for too long. */
  dropped: number;
}

export interface LogSink {
  write(line: string): void;
  readonly losses: Readonly<LogLosses>;
}

/**
 * Writes to the standard output without waiting for a reader and without throwing: a stuck or closed one costs log
 * lines, not service. (pino's own destination retries for ever when the disk is full as the process exits, and
 * blocks the exit when the reader is stuck.)
 */
export function openLogSink(): LogSink {
  const kind = fstatSync(STDOUT);
  return kind.isFIFO() || kind.isSocket() ? pipeSink() : fileSink();
}

/** A pipe or socket takes what fits at once; the rest waits in the stream, up to a bound. */
function pipeSink(): LogSink {
  const losses: LogLosses = { failed: 0, dropped: 0 };
  const stream = process.stdout;
  stream.on('error', () => {
    losses.failed += 1;
  });
  const write = (line: string): void => {
    if (stream.destroyed) losses.failed += 1;
    else if (stream.writableLength + line.length > MAX_WAITING) losses.dropped += 1;
    else stream.write(line);
  };
  return { losses, write };
}

/** A file or a terminal takes a line at once or refuses it; after a refusal, the next line may fit again. */
function fileSink(): LogSink {
  const losses: LogLosses = { failed: 0, dropped: 0 };
  const write = (line: string): void => {
    try {
      writeSync(STDOUT, line);
    } catch {
      losses.failed += 1;
    }
  };
  return { losses, write };
}
