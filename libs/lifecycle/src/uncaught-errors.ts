import type { RunLogger } from './run-logger.ts';

/** More uncaught errors than this within `WINDOW` mean that the process is broken, not one connection. */
export const MAX_UNCAUGHT = 20;
/** In ms. */
const WINDOW = 60_000;

/** Logs errors that nothing caught and notices when there are too many. */
export class UncaughtErrors {
  readonly #logger: RunLogger;
  readonly #onTooMany: () => void;
  readonly #now: () => number;
  #windowStart = 0;
  #inWindow = 0;

  constructor(logger: RunLogger, onTooMany: () => void, now: () => number = () => performance.now()) {
    this.#logger = logger;
    this.#onTooMany = onTooMany;
    this.#now = now;
  }

  readonly onError = (error: unknown): void => {
    this.#logger.error('uncaught error', describe(error));
    const now = this.#now();
    if (this.#inWindow === 0 || now - this.#windowStart > WINDOW) {
      this.#windowStart = now;
      this.#inWindow = 0;
    }
    this.#inWindow += 1;
    if (this.#inWindow === MAX_UNCAUGHT + 1) this.#onTooMany();
  };
}

function describe(error: unknown): Readonly<Record<string, unknown>> {
  if (!(error instanceof Error)) return { error: String(error) };
  return { error: error.message, name: error.name, stack: error.stack };
}
