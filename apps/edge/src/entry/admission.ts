/** Limits before any work: how many public connections there are, in all and from one address. */
export class Admission {
  #maxConnections: number;
  #maxPerAddress: number;
  readonly #perAddress = new Map<string, number>();
  #open = 0;

  constructor(maxConnections: number, maxPerAddress: number) {
    this.#maxConnections = maxConnections;
    this.#maxPerAddress = maxPerAddress;
  }

  get open(): number {
    return this.#open;
  }

  /** Admits so many from now on; those that are open stay. */
  limit(maxConnections: number, maxPerAddress: number): void {
    this.#maxConnections = maxConnections;
    this.#maxPerAddress = maxPerAddress;
  }

  /** Counts a connection, unless it is one too many; undefined: of a proxy, whose address stands for many clients. */
  enter(address: string | undefined): boolean {
    if (this.#open >= this.#maxConnections) return false;
    if (address !== undefined && !this.assign(address)) return false;
    this.#open++;
    return true;
  }

  leave(address: string | undefined): void {
    this.#open--;
    if (address !== undefined) this.unassign(address);
  }

  /** A connection counted already turned out to be that of `address`; false where it is one too many of it. */
  assign(address: string): boolean {
    const ofAddress = this.#perAddress.get(address) ?? 0;
    if (ofAddress >= this.#maxPerAddress) return false;
    this.#perAddress.set(address, ofAddress + 1);
    return true;
  }

  unassign(address: string): void {
    const left = (this.#perAddress.get(address) ?? 1) - 1;
    if (left === 0) this.#perAddress.delete(address);
    else this.#perAddress.set(address, left);
  }
}
