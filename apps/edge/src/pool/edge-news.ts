import { Kind, encodeEdges } from '@culvert/wire';
import type { EdgeAddress } from '@culvert/wire';
import type { Session } from './pool.ts';

/** Agents told at once, and how long until the next ones are, ms: 500 in a second. */
const AT_ONCE = 25;
const PAUSE_MS = 50;

/**
 * Tells agents which edges there are. A few at a time, so that not all of them dial a new edge at once; what changes
 * meanwhile is told to those who still wait, and then to the others.
 */
export class EdgeNews {
  #payload: Buffer = Buffer.alloc(0);
  #waiting: Session[] = [];
  #timer: NodeJS.Timeout | undefined;

  tell(sessions: Iterable<Session>, edges: readonly EdgeAddress[]): void {
    this.#payload = encodeEdges(edges);
    this.#waiting = [...new Set([...this.#waiting, ...sessions])];
    if (this.#timer === undefined) this.#next();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#waiting = [];
  }

  #next(): void {
    this.#timer = undefined;
    for (const { links } of this.#waiting.splice(0, AT_ONCE))
      for (const link of links) link.sendControl(Kind.Edges, this.#payload);
    if (this.#waiting.length > 0) this.#timer = setTimeout(() => this.#next(), PAUSE_MS);
  }
}
