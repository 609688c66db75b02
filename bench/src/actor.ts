import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { processTree } from './procfs.ts';

/** How long a process may take to stop after SIGTERM before it and its children are killed. */
const STOP_MS = 8_000;

/** What to start. The first word of `command` is a path or is looked up on PATH. */
export interface Part {
  readonly label: string;
  readonly command: readonly [string, ...string[]];
}

/** A process of the bench. Its output goes to a file, so that a chatty one costs the bench no CPU. */
export class Actor {
  readonly label: string;
  /** Resolves with how it ended: `status 0`, `signal SIGTERM` or why it never started. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #log: string;
  #end: string | undefined;

  constructor(part: Part, options: { readonly folder: string; readonly log: string }) {
    const [program, ...words] = part.command;
    const output = openSync(options.log, 'w');
    this.label = part.label;
    this.#log = options.log;
    this.#child = spawn(program, words, {
      cwd: options.folder,
      env: environment(options.folder),
      stdio: ['ignore', output, output],
    });
    closeSync(output);
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve(error.message));
      this.#child.once('exit', (status, signal) => resolve(signal ? `signal ${signal}` : `status ${status}`));
    });
    void this.ended.then((end) => (this.#end = end));
  }

  /** Undefined while it runs, then how it ended. */
  get end(): string | undefined {
    return this.#end;
  }

  /** Itself and all it started; nothing once it has ended. */
  pids(): number[] {
    return this.#child.pid === undefined || this.#end !== undefined ? [] : processTree(this.#child.pid);
  }

  /** All it has written so far. */
  output(): string {
    return readFileSync(this.#log, 'utf8');
  }

  /** Ends it with SIGTERM, after a while with SIGKILL for all it started; resolves when it is gone. */
  async stop(): Promise<void> {
    if (this.#end !== undefined) return;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.pids().forEach(kill), STOP_MS);
    await this.ended;
    clearTimeout(timer);
  }
}

/** The bench's own environment without proxies, with a home that is thrown away. */
function environment(home: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(https?|all|no)_proxy$/i.test(name));
  return { ...Object.fromEntries(kept), HOME: home, RUST_LOG: 'error' };
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself in the meantime, which is what was wanted.
  }
}
