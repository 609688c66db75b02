import type { RequestHead } from '@culvert/http1';
import { coarseNow } from '@culvert/lifecycle';
import type { LinkStream, StreamConsumer } from '@culvert/link';
import type { ResetCode } from '@culvert/wire';
import type { HttpTarget, Opening } from './http-target.ts';
import { UndecidedRequest } from './undecided-request.ts';

export type Agreed = 'http/1.1' | 'h2';

/** What was agreed on is asked again after so long (ms), since a service may have been changed. */
const VALID_MS = 300_000;

export interface NegotiatedOptions {
  readonly http1: HttpTarget;
  readonly http2: HttpTarget;
  /** Asks the service which of the two it speaks; whatever goes wrong is HTTP/1.1's to tell. */
  readonly ask: (answer: (agreed: Agreed) => void) => void;
}

/** A service that says in TLS which HTTP it speaks. */
export class NegotiatedTarget implements HttpTarget {
  readonly #options: NegotiatedOptions;
  /** Those that came before the service was asked for the first time. */
  readonly #waiting: UndecidedRequest[] = [];
  #agreed: HttpTarget | undefined;
  #asking = false;
  #askAgainAt = 0;

  constructor(options: NegotiatedOptions) {
    this.#options = options;
  }

  begin(stream: LinkStream, request: RequestHead, open: Opening): StreamConsumer | ResetCode {
    // Few services take upgrades over HTTP/2, and all of those take them over HTTP/1.1.
    if (request.upgrade !== undefined) return this.#options.http1.begin(stream, request, open);
    if (coarseNow() >= this.#askAgainAt) this.#ask();
    if (this.#agreed !== undefined) return this.#agreed.begin(stream, request, open);
    const undecided = new UndecidedRequest(stream, request, open);
    this.#waiting.push(undecided);
    return undecided;
  }

  #ask(): void {
    if (this.#asking) return;
    this.#asking = true;
    this.#options.ask((agreed) => {
      this.#asking = false;
      this.#askAgainAt = coarseNow() + VALID_MS;
      const target = agreed === 'h2' ? this.#options.http2 : this.#options.http1;
      this.#agreed = target;
      for (const undecided of this.#waiting.splice(0)) undecided.decide(target);
    });
  }
}
