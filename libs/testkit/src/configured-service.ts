import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CulvertProcess } from './culvert-process.ts';
import type { LogLine, ProcessEnd } from './culvert-process.ts';

/** A configuration as its file says it: the values are written as JSON, which YAML takes. */
export type Configuration = Readonly<Record<string, unknown>>;

/** A service with its configuration file: it can be stopped and started again, each time as a new process. */
export class ConfiguredService {
  readonly kind: 'router' | 'edge' | 'agent';
  readonly file: string;
  readonly #env: NodeJS.ProcessEnv;
  #configuration: Configuration;
  #process: CulvertProcess | undefined;
  readonly #former: CulvertProcess[] = [];

  constructor(
    kind: 'router' | 'edge' | 'agent',
    file: { readonly folder: string; readonly name: string },
    configuration: Configuration,
    env: NodeJS.ProcessEnv,
  ) {
    this.kind = kind;
    this.file = join(file.folder, `${file.name}.yml`);
    this.#env = env;
    this.#configuration = configuration;
    this.extend({});
  }

  get started(): boolean {
    return this.#process !== undefined;
  }

  /** The current process, or the last one. */
  get process(): CulvertProcess {
    if (this.#process === undefined) throw new Error(`${this.file} was never started`);
    return this.#process;
  }

  /** What all its processes have written so far. */
  get output(): string {
    const all = this.#process === undefined ? [] : [...this.#former, this.#process];
    return all.map(({ stdout, stderr }) => stdout + stderr).join('');
  }

  /** Changes the file; the next start reads it. */
  extend(configuration: Configuration): void {
    this.#configuration = { ...this.#configuration, ...configuration };
    const entries = Object.entries(this.#configuration);
    writeFileSync(this.file, entries.map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`).join(''));
  }

  /** Starts the process without waiting until it can take work. */
  launch(): CulvertProcess {
    if (this.#process !== undefined) this.#former.push(this.#process);
    this.#process = new CulvertProcess([this.kind, '--config', this.file], this.#env);
    return this.#process;
  }

  /** Resolves when it can take work. */
  start(): Promise<LogLine> {
    return this.launch().ready();
  }

  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<ProcessEnd> {
    return this.process.stop(signal);
  }
}
