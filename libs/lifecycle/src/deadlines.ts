import { coarseNow } from './coarse-clock.ts';

/** Something that must not wait for ever. */
export abstract class Deadlined {
  /** On the coarse clock, ms; Infinity while there is nothing to wait for. */
  deadline = Infinity;
  /** Its place in the list of those that are watched; `Deadlines` alone changes it. */
  place: { before: Deadlined | undefined; after: Deadlined | undefined } | undefined;

  abstract onDeadline(): void;
}

/** How often deadlines are looked at: they are exact to about this. */
const SWEEP_MS = 250;

/**
 * Watches any number of deadlines with one timer. Setting one is writing a number, so that a request costs no timer
 * of its own; a sweep over 50,000 of them takes about a millisecond. A list of neighbours and no Set: connections come
 * and go all the time, and the dead hash tables of a Set would keep them alive until the next full collection.
 */
export class Deadlines {
  #first: Deadlined | undefined;
  #size = 0;
  #timer: NodeJS.Timeout | undefined;

  get size(): number {
    return this.#size;
  }

  watch(deadlined: Deadlined): void {
    if (deadlined.place !== undefined) return;
    deadlined.place = { before: undefined, after: this.#first };
    if (this.#first?.place !== undefined) this.#first.place.before = deadlined;
    this.#first = deadlined;
    this.#size++;
    this.#timer ??= setInterval(() => this.#sweep(), SWEEP_MS);
  }

  forget(deadlined: Deadlined): void {
    const { place } = deadlined;
    if (place === undefined) return;
    deadlined.place = undefined;
    this.#size--;
    if (place.before?.place !== undefined) place.before.place.after = place.after;
    else this.#first = place.after;
    if (place.after?.place !== undefined) place.after.place.before = place.before;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** All that are watched at the moment of the call. */
  all(): Deadlined[] {
    const watched: Deadlined[] = [];
    for (let one = this.#first; one !== undefined; one = one.place?.after) watched.push(one);
    return watched;
  }

  #sweep(): void {
    if (this.#size === 0) return this.stop();
    const now = coarseNow();
    for (let one = this.#first; one !== undefined;) {
      const next: Deadlined | undefined = one.place?.after;
      if (one.place !== undefined && one.deadline <= now) one.onDeadline();
      one = next;
    }
  }
}
