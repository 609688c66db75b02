/** How often those that wait are looked at. */
const TICK_MS = 25;

/** Something that has bytes and waits until more of them may pass. */
export interface Paced {
  /** Lets pass what may; true when nothing waits any more. */
  release(nowMs: number): boolean;
}

/** Wakes all streams that wait for their bandwidth, by one timer that runs while there are any. */
export class Pacer {
  readonly #waiting = new Set<Paced>();
  #timer: NodeJS.Timeout | undefined;

  now(): number {
    return performance.now();
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  wait(paced: Paced): void {
    this.#waiting.add(paced);
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
  }

  forget(paced: Paced): void {
    this.#waiting.delete(paced);
    if (this.#waiting.size === 0) this.#stop();
  }

  #tick(): void {
    const nowMs = this.now();
    for (const paced of this.#waiting) if (paced.release(nowMs)) this.#waiting.delete(paced);
    if (this.#waiting.size === 0) this.#stop();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
