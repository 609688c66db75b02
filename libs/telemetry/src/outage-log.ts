import type { Logger } from './logger.ts';

/** Reports one failure an outage, not one for each attempt to end it; the others are there at debug level. */
export class OutageLog {
  readonly #logger: Logger;
  readonly #event: string;
  readonly #address: string;
  #told = false;

  constructor(logger: Logger, event: string, address: string) {
    this.#logger = logger;
    this.#event = event;
    this.#address = address;
  }

  failed(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#logger[this.#told ? 'debug' : 'warn'](this.#event, { address: this.#address, reason });
    this.#told = true;
  }

  recovered(): void {
    this.#told = false;
  }
}

/** Addresses for people to read, without their passwords. */
export function visibleAddress(addresses: string | readonly string[]): string {
  return [addresses]
    .flat()
    .map((address) => address.replace(/\/\/.*@/, '//'))
    .join(', ');
}
