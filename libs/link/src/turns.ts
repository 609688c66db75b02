import type { LinkStream } from './stream.ts';

/** What one stream may send before the next one's turn. */
export const QUANTUM_BYTES = 32_768;

/** Streams that have bytes and credit, but no room on the link: they send in turn. */
export class Turns {
  #waiting: LinkStream[] = [];
  /** Streams of the round that is going on. */
  #inRound = 0;

  /** Whether whoever sends now overtakes another stream. */
  get contended(): boolean {
    return this.#waiting.length > 0 || this.#inRound > 1;
  }

  add(stream: LinkStream): void {
    this.#waiting.push(stream);
  }

  /** Goes round until nobody waits any more or the link is full; `flush` is called after each round. */
  serve(isFull: () => boolean, flush: () => void): void {
    while (this.#waiting.length > 0 && !isFull()) {
      const round = this.#waiting;
      this.#waiting = [];
      this.#inRound = round.length;
      let next = 0;
      while (next < round.length && !isFull()) {
        round[next]!.sendHeld(QUANTUM_BYTES);
        next++;
      }
      this.#inRound = 0;
      if (next < round.length) this.#waiting = [...round.slice(next), ...this.#waiting];
      else flush();
    }
  }
}
