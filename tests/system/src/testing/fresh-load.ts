import { randomUUID } from 'node:crypto';
import { ask } from './http-client.ts';
import type { Answer, Place } from './http-client.ts';
import type { Echo } from './local-service.ts';

/**
 * Clients that ask over a fresh connection each time, one request after the other, for a path of its own: the service
 * behind has to say which one it was.
 */
export class FreshLoad {
  answered = 0;
  /** What was not a 200 with the right answer, and how often. */
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
        const path = `/${randomUUID()}`;
        const { status, headers, text } = await this.#ask(place, hostname, path, this.#repeats);
        if (status === 200 && (JSON.parse(text) as Partial<Echo>).url === path) this.answered++;
        else if (status === 200) this.#fail('wrong answer');
        else this.#fail(`${status} ${String(headers['x-culvert-error'])}`);
      } catch (error) {
        this.#fail(String((error as NodeJS.ErrnoException).code ?? error));
      }
    }
  }

  async #ask(place: Place, hostname: string, path: string, repeats: number): Promise<Answer> {
    try {
      return await ask(place, hostname, { path });
    } catch (error) {
      if (repeats === 0) throw error;
      this.sentAgain++;
      return this.#ask(place, hostname, path, repeats - 1);
    }
  }

  #fail(what: string): void {
    this.failures.set(what, (this.failures.get(what) ?? 0) + 1);
  }
}
