import type { LinkStream } from './stream.ts';

const FIRST_SLOTS = 64;
const MAX_SLOTS = 16_384;

/**
 * The open streams of a link by id. An opener counts its ids up by two, so that the bits above the lowest are a slot
 * of its own nearly always; ids that meet in one slot go to a Map. A Map for all would be simpler, but one that changes with
 * every request leaves a chain of dead hash tables behind, each keeping its streams alive until the next full
 * collection: 1.4 KiB a request survived, and collecting took 6 % of the time.
 */
export class StreamTable {
  #slots: (LinkStream | undefined)[] = new Array<LinkStream | undefined>(FIRST_SLOTS).fill(undefined);
  #mask = FIRST_SLOTS - 1;
  readonly #crowded = new Map<number, LinkStream>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): LinkStream | undefined {
    const stream = this.#slots[(id >>> 1) & this.#mask];
    if (stream?.id === id) return stream;
    return this.#crowded.size === 0 ? undefined : this.#crowded.get(id);
  }

  /** Whether an id has no slot of its own now; an opener picks another one. */
  isCrowded(id: number): boolean {
    return this.#slots[(id >>> 1) & this.#mask] !== undefined;
  }

  /** The id is not in the table. */
  add(stream: LinkStream): void {
    this.#size++;
    if (this.#size * 2 > this.#slots.length && this.#slots.length < MAX_SLOTS) this.#grow();
    this.#put(stream);
  }

  delete(id: number): void {
    const slot = (id >>> 1) & this.#mask;
    if (this.#slots[slot]?.id === id) this.#slots[slot] = undefined;
    else if (!this.#crowded.delete(id)) return;
    this.#size--;
  }

  /** All streams at the moment of the call. */
  all(): LinkStream[] {
    const open = this.#slots.filter((stream) => stream !== undefined);
    return this.#crowded.size === 0 ? open : [...open, ...this.#crowded.values()];
  }

  #put(stream: LinkStream): void {
    const slot = (stream.id >>> 1) & this.#mask;
    if (this.#slots[slot] === undefined) this.#slots[slot] = stream;
    else this.#crowded.set(stream.id, stream);
  }

  #grow(): void {
    const streams = this.all();
    const slots = this.#slots.length * 2;
    this.#slots = new Array<LinkStream | undefined>(slots).fill(undefined);
    this.#mask = slots - 1;
    this.#crowded.clear();
    for (const stream of streams) this.#put(stream);
  }
}
