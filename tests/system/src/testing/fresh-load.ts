import { ask } from './http-client.ts';
import type { Answer, Place } from './http-client.ts';

/** Clients that ask over a fresh connection each time, one request after the other. */
export class FreshLoad {
  answered = 0;
  /** What was not a 200, and how often. */
  readonly failures = new Map<string, number>();
  /** Connections that broke and whose requests were sent again. */
  sentAgain = 0;
  #running = true;
  readonly #repeats: number;
  readonly #clients: Promise<void>[];

  /** @param repeats how often a request whose connection breaks is sent again; browsers do so with what may be repeated */
  constructor(place: Place, hostname: string, clients: number, repeats = 0) {
    this.#repeats = repeats;
    this.#clients = Array.from({ length: clients }, () => this.#askOn(place, hostname));
  }

  /** Resolves with what went wrong, when the last answer has come. */
  async stop(): Promise<Readonly<Record<string, number>>> {
    this.#running = false;
    await Promise.all(this.#clients);
    return Object.fromEntries(this.failures);
  }

  async #askOn(place: Place, hostname: string): Promise<void> {
    while (this.#running) {
      try {
        const { status, headers } = await this.#ask(place, hostname, this.#repeats);
        if (status === 200) this.answered++;
        else this.#fail(`${status} ${String(headers['x-culvert-error'])}`);
      } catch (error) {
        this.#fail(String((error as NodeJS.ErrnoException).code ?? error));
      }
    }
  }

  async #ask(place: Place, hostname: string, repeats: number): Promise<Answer> {
    try {
      return await ask(place, hostname);
    } catch (error) {
      if (repeats === 0) throw error;
      this.sentAgain++;
      return this.#ask(place, hostname, repeats - 1);
    }
  }

  #fail(what: string): void {
    this.failures.set(what, (this.failures.get(what) ?? 0) + 1);
  }
}
