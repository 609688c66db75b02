/** What the services have seen: shared by all that stand behind one hostname, whichever agent leads there. */
export class Ledger {
  /** How often each request has reached a service, by its nonce. */
  readonly #arrivals = new Map<string, number>();
  /** Requests that must not be done twice, and were. */
  readonly doubled: string[] = [];

  arrived(nonce: string): boolean {
    return this.#arrivals.has(nonce);
  }

  note(nonce: string, mayRepeat: boolean): void {
    const times = (this.#arrivals.get(nonce) ?? 0) + 1;
    this.#arrivals.set(nonce, times);
    if (times > 1 && !mayRepeat) this.doubled.push(nonce);
  }

  /** Nobody asks for it any more. */
  forget(nonce: string): void {
    this.#arrivals.delete(nonce);
  }
}
