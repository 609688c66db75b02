import { networkInterfaces } from 'node:os';

/** How often is looked, ms. */
const INTERVAL_MS = 1_000;
/** A look that comes so much later than it should, ms: the machine or the process has slept. */
const SLEPT_MS = 3_000;

export interface SurroundingsOptions {
  /** Links may lead nowhere any more, and what could not be reached may be reached now. */
  readonly onChange: (what: string) => void;
  /** The addresses of this machine, as one text. */
  readonly addresses?: () => string;
}

/** Notices that the machine has slept or has moved to another network, which no connection tells. */
export class Surroundings {
  readonly #options: SurroundingsOptions;
  readonly #addresses: () => string;
  #timer: NodeJS.Timeout | undefined;
  #lookedAt = 0;
  #known = '';

  constructor(options: SurroundingsOptions) {
    this.#options = options;
    this.#addresses = options.addresses ?? ownAddresses;
  }

  start(): void {
    // The time of day: the monotonic clock may stand still while the machine sleeps.
    this.#lookedAt = Date.now();
    this.#known = this.#addresses();
    this.#timer = setInterval(() => this.#look(), INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = Date.now();
    const late = now - this.#lookedAt - INTERVAL_MS;
    this.#lookedAt = now;
    const addresses = this.#addresses();
    const moved = addresses !== this.#known;
    this.#known = addresses;
    if (late >= SLEPT_MS) this.#options.onChange('the machine or the process has slept');
    else if (moved) this.#options.onChange('the network is another one');
  }
}

function ownAddresses(): string {
  const addresses = Object.entries(networkInterfaces()).flatMap(([name, list = []]) =>
    list.filter(({ internal }) => !internal).map(({ address }) => `${name} ${address}`),
  );
  return addresses.sort().join('\n');
}
