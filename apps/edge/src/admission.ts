/** Limits before any work: how many public connections there are, in all and from one address. */
export class Admission {
  readonly #maxConnections: number;
  readonly #maxPerAddress: number;
  readonly #perAddress = new Map<string, number>();
  #open = 0;

  constructor(maxConnections: number, maxPerAddress: number) {
    this.#maxConnections = maxConnections;
    this.#maxPerAddress = maxPerAddress;
  }

  get open(): number {
    return this.#open;
  }

  /** Counts a connection, unless it is one too many. */
  enter(address: string): boolean {
    const ofAddress = this.#perAddress.get(address) ?? 0;
    if (this.#open >= this.#maxConnections || ofAddress >= this.#maxPerAddress) return false;
    this.#open++;
    this.#perAddress.set(address, ofAddress + 1);
    return true;
  }

  leave(address: string): void {
    this.#open--;
    const left = (this.#perAddress.get(address) ?? 1) - 1;
    if (left === 0) this.#perAddress.delete(address);
    else this.#perAddress.set(address, left);
  }
}
