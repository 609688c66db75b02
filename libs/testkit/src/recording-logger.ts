import { silentLogger, type LogFields, type Logger } from '@culvert/telemetry';

export interface LoggedLine extends LogFields {
  readonly level: string;
  readonly msg: string;
}

/** Keeps the lines instead of writing them. */
export function recordingLogger(lines: LoggedLine[]): Logger {
  const at =
    (level: string) =>
    (msg: string, fields: LogFields = {}): void => {
      lines.push({ ...fields, level, msg });
    };
  const levels = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  return { ...silentLogger, ...levels, with: () => recordingLogger(lines) };
}
