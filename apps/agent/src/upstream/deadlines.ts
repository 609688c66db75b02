import { coarseNow } from '@culvert/lifecycle';

/** Something that must not wait for ever. */
export interface Deadlined {
  /** On the coarse clock, ms; Infinity while there is nothing to wait for. */
  deadline: number;
  onDeadline(): void;
}

/** How often deadlines are looked at: they are exact to about this. */
const SWEEP_MS = 250;

/** Watches any number of deadlines with one timer: setting one is writing a number, so a request costs no timer. */
export class Deadlines {
  readonly #watched = new Set<Deadlined>();
  #timer: NodeJS.Timeout | undefined;

  watch(deadlined: Deadlined): void {
    this.#watched.add(deadlined);
    this.#timer ??= setInterval(() => this.#sweep(), SWEEP_MS);
  }

  forget(deadlined: Deadlined): void {
    this.#watched.delete(deadlined);
  }

  #sweep(): void {
    const now = coarseNow();
    for (const deadlined of this.#watched) if (deadlined.deadline <= now) deadlined.onDeadline();
    if (this.#watched.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
