import { ask } from './http-client.ts';
import type { Place } from './http-client.ts';

/** Clients that ask over a fresh connection each time, one request after the other. */
export class FreshLoad {
  answered = 0;
  /** What was not a 200, and how often. */
  readonly failures = new Map<string, number>();
  #running = true;
  readonly #clients: Promise<void>[];

  constructor(place: Place, hostname: string, clients: number) {
    this.#clients = Array.from({ length: clients }, () => this.#ask(place, hostname));
  }

  /** Resolves with what went wrong, when the last answer has come. */
  async stop(): Promise<Readonly<Record<string, number>>> {
    this.#running = false;
    await Promise.all(this.#clients);
    return Object.fromEntries(this.failures);
  }

  async #ask(place: Place, hostname: string): Promise<void> {
    while (this.#running) {
      try {
        const { status, headers } = await ask(place, hostname);
        if (status === 200) this.answered++;
        else this.#fail(`${status} ${String(headers['x-culvert-error'])}`);
      } catch (error) {
        this.#fail(String((error as NodeJS.ErrnoException).code ?? error));
      }
    }
  }

  #fail(what: string): void {
    this.failures.set(what, (this.failures.get(what) ?? 0) + 1);
  }
}
