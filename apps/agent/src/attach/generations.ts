/**
 * Numbers that tell an edge which of an agent's sessions is the newer one. All links of one attachment to an edge
 * share theirs; it grows once all of them were lost. It starts with the time, so that it grows over restarts too.
 */
export class Generations {
  readonly #start: number;
  readonly #byEdge = new Map<string, { generation: number; links: number }>();

  /** @param startMs since the epoch */
  constructor(startMs: number) {
    this.#start = startMs;
  }

  /** What to say in a hello to the edge. */
  current(edge: string): number {
    return this.#byEdge.get(edge)?.generation ?? this.#start;
  }

  /** A link said so and was attached. */
  attached(edge: string, generation: number): void {
    const { links = 0, generation: known = 0 } = this.#byEdge.get(edge) ?? {};
    this.#byEdge.set(edge, { generation: Math.max(known, generation), links: links + 1 });
  }

  /** An attached link has ended. */
  lost(edge: string): void {
    const entry = this.#byEdge.get(edge);
    if (entry === undefined) return;
    entry.links--;
    if (entry.links === 0) entry.generation++;
  }

  /** The edge knows a newer one: goes beyond anything said before. */
  outdated(edge: string, nowMs: number): void {
    const { links = 0, generation = this.#start } = this.#byEdge.get(edge) ?? {};
    this.#byEdge.set(edge, { links, generation: Math.max(generation + 1, nowMs) });
  }
}
