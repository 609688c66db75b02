import { networkInterfaces } from 'node:os';

/** How often is looked, ms. */
const INTERVAL_MS = 1_000;
/** A look that comes so much later than it should, ms: the machine or the process has slept. */
const SLEPT_MS = 3_000;

export interface SurroundingsOptions {
  /** Links may lead nowhere any more, and what could not be reached may be reached now. */
  readonly onSlept: () => void;
  /** Addresses of the machine have come and gone; mostly those of other software, such as containers. */
  readonly onAddresses: (came: ReadonlySet<string>, gone: ReadonlySet<string>) => void;
  /** The addresses of this machine now. */
  readonly addresses?: () => ReadonlySet<string>;
}

/** Notices that the machine has slept or has other addresses, which no connection tells. */
export class Surroundings {
  readonly #options: SurroundingsOptions;
  readonly #addresses: () => ReadonlySet<string>;
  #timer: NodeJS.Timeout | undefined;
  #lookedAt = 0;
  #known: ReadonlySet<string> = new Set();

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
    const [came, gone] = [without(addresses, this.#known), without(this.#known, addresses)];
    this.#known = addresses;
    if (late >= SLEPT_MS) this.#options.onSlept();
    else if (came.size + gone.size > 0) this.#options.onAddresses(came, gone);
  }
}

function without(addresses: ReadonlySet<string>, others: ReadonlySet<string>): Set<string> {
  return new Set([...addresses].filter((address) => !others.has(address)));
}

function ownAddresses(): Set<string> {
  const lists = Object.values(networkInterfaces());
  return new Set(lists.flatMap((list = []) => list.map(({ address }) => address)));
}
