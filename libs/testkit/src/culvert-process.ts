import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './eventually.ts';

/** What `npm ci` puts there for users. */
const LAUNCHER = join(import.meta.dirname, '../../../node_modules/.bin/culvert');
/** A start takes well under a second on a quiet machine; less than what a test may take, so that it can say more. */
const LINE_TIMEOUT_MS = 20_000;
/** How much of a process's output a failed wait shows, in characters. */
const SHOWN_OUTPUT = 4_000;

/** One line of a service's log. */
export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** How a process ended: by itself with a status, or by a signal. */
export interface ProcessEnd {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The process ended, or the time did, before it logged what was waited for. */
export class LogLineMissingError extends Error {
  constructor(command: string, wanted: string, output: string, options?: ErrorOptions) {
    super(`"culvert ${command}" did not log ${wanted}; its output ends with:\n${output}`, options);
    this.name = 'LogLineMissingError';
  }
}

/** One run of the public `culvert` command. Ended with the test process. */
export class CulvertProcess {
  readonly args: readonly string[];
  /** Resolves when the process is gone and its output has been read. */
  readonly ended: Promise<ProcessEnd>;
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;
  #end: ProcessEnd | undefined;

  /** Starts at once; `env` is added to the environment of the tests. */
  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.args = args;
    this.#child = spawn(LAUNCHER, [...args], {
      env: { ...inherited(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.on('data', (chunk: Buffer) => void (this.stdout += chunk.toString()));
    this.#child.stderr?.on('data', (chunk: Buffer) => void (this.stderr += chunk.toString()));
    endWithTests(this.#child);
    this.ended = once(this.#child, 'close').then((event) => {
      running.delete(this.#child);
      const [status, signal] = event as [ProcessEnd['status'], ProcessEnd['signal']];
      this.#end = { status, signal };
      return this.#end;
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The log so far; what is not a line of JSON is left out. */
  get log(): LogLine[] {
    return this.stdout.split('\n').flatMap((text) => {
      if (!text.startsWith('{') || !text.endsWith('}')) return [];
      return [JSON.parse(text) as LogLine];
    });
  }

  /** Resolves with the first line of this `msg` that fits. */
  async line(
    msg: string,
    fits: (line: LogLine) => boolean = () => true,
    timeoutMs = LINE_TIMEOUT_MS,
  ): Promise<LogLine> {
    const find = (): LogLine | undefined => this.log.find((line) => line.msg === msg && fits(line));
    const isOver = (): boolean => this.#end !== undefined;
    try {
      await eventually(() => find() !== undefined || isOver(), { timeoutMs });
    } catch (cause) {
      throw this.#missing(msg, cause);
    }
    return find() ?? Promise.reject(this.#missing(msg));
  }

  ready(): Promise<LogLine> {
    return this.line('ready');
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends the signal and waits for the end. SIGKILL stands for a crash. */
  stop(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL' = 'SIGTERM'): Promise<ProcessEnd> {
    this.#child.kill(signal);
    this.#child.kill('SIGCONT');
    return this.ended;
  }

  /** The most memory that the process has had resident so far, in bytes. Linux only. */
  get peakMemory(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
  }

  #missing(msg: string, cause?: unknown): LogLineMissingError {
    const output = `${this.stdout}${this.stderr}`.slice(-SHOWN_OUTPUT);
    return new LogLineMissingError(this.args.join(' '), JSON.stringify(msg), output, { cause });
  }
}

const running = new Set<ChildProcess>();
let isWatching = false;

function endWithTests(child: ChildProcess): void {
  if (!isWatching) process.once('exit', () => running.forEach((left) => left.kill('SIGKILL')));
  isWatching = true;
  running.add(child);
}

/** Without what would change how culvert runs, such as a token or Node's options for the test runner. */
function inherited(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(CULVERT_|NODE_|VITEST|TEST$|FORCE_COLOR)/.test(name),
  );
  return Object.fromEntries(kept);
}
