import { FileWatch, type SignalSource } from '@culvert/lifecycle';
import {
  formatProblem,
  LiveSettings,
  PartRefusedError,
  SettingsError,
  type LiveParts,
  type ReadFile,
} from '@culvert/settings';
import type { Logger } from '@culvert/telemetry';

export interface ReloadingOptions<Settings> {
  /** What the service was started with. */
  readonly file: ReadFile<Settings>;
  /** Reads the file again. @throws SettingsError */
  readonly read: () => ReadFile<Settings>;
  readonly logger: Logger;
  /** Where SIGHUP comes from, if not from the process. */
  readonly source?: SignalSource;
}

type Cause = 'SIGHUP' | 'file changed';

/** Reads the configuration again on SIGHUP and when its file has changed, and changes what runs accordingly. */
export class Reloading<Settings> {
  readonly #options: ReloadingOptions<Settings>;
  readonly #source: SignalSource;
  readonly #watch: FileWatch;
  #live: LiveSettings<Settings>;
  /** Until the service runs, and while a change is being made, the next one waits. */
  #busy = true;
  #waiting: Cause | undefined;

  constructor(options: ReloadingOptions<Settings>) {
    this.#options = options;
    this.#source = options.source ?? process;
    this.#live = new LiveSettings(options.file, []);
    this.#watch = new FileWatch({
      files: [options.file.file],
      onChange: () => this.#reload('file changed'),
    });
    // From the start: a signal that nobody handles would end the process.
    this.#source.on('SIGHUP', this.#onSignal);
  }

  /** What is in force. */
  get settings(): Settings {
    return this.#live.current;
  }

  /** The service runs and can change these. */
  begin(parts: LiveParts<Settings>): void {
    this.#live = new LiveSettings(this.#options.file, parts);
    this.#done();
  }

  /** Changes nothing more; SIGHUP has no effect from now on. */
  end(): void {
    this.#watch.close();
    this.#busy = true;
  }

  readonly #onSignal = (): void => this.#reload('SIGHUP');

  #reload(cause: Cause): void {
    if (this.#busy) {
      this.#waiting = cause;
      return;
    }
    this.#busy = true;
    void this.#take(cause).finally(() => this.#done());
  }

  #done(): void {
    this.#busy = false;
    const cause = this.#waiting;
    this.#waiting = undefined;
    if (cause !== undefined) this.#reload(cause);
  }

  async #take(cause: Cause): Promise<void> {
    const { logger, read, file } = this.#options;
    try {
      const { applied, needRestart } = await this.#live.take(read());
      // A file may have been touched, or have been taken over on a signal already.
      const level = cause === 'SIGHUP' || applied.length > 0 ? 'info' : 'debug';
      logger[level]('reloaded', { cause, file: file.file, changed: applied });
      if (needRestart.length > 0) logger.warn('needs a restart', { file: file.file, keys: needRestart });
    } catch (error) {
      logger.error('configuration refused; the former one stays in force', { cause, ...reasonOf(error) });
    }
  }
}

function reasonOf(error: unknown): Readonly<Record<string, unknown>> {
  if (error instanceof SettingsError) return { problems: error.problems.map(formatProblem) };
  if (error instanceof PartRefusedError) return { problems: [error.message] };
  return { error };
}
