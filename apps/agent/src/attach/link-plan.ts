/** What the plan needs to know of an edge. */
export interface EdgeState {
  readonly key: string;
  /** In the agent's own region, or nobody knows better. */
  readonly preferred: boolean;
  /** Links that take streams. */
  readonly attached: number;
  readonly dialing: number;
  /** Whether it may be dialled now, as far as its backoff is concerned. */
  readonly dialable: boolean;
  /** Whether the last dial worked; otherwise one try at a time is enough. */
  readonly proven: boolean;
}

export type PlanStep = { readonly act: 'dial' | 'retire'; readonly key: string };

/** Edges that an agent is attached to at least, where there are so many. */
const MIN_EDGES = 2;

/**
 * The next thing to do so that `wanted` links are spread over the edges, or undefined when it is done or has to
 * wait. Pure. A surplus link is retired only after its successor is attached, so moving never costs a link.
 */
export function nextStep(edges: readonly EdgeState[], wanted: number): PlanStep | undefined {
  const shares = shareLinks(edges, wanted);
  for (const edge of edges) {
    const missing = (shares.get(edge.key) ?? 0) - edge.attached - edge.dialing;
    if (missing > 0 && edge.dialable && (edge.proven || edge.dialing === 0))
      return { act: 'dial', key: edge.key };
  }
  const attached = edges.reduce((sum, edge) => sum + edge.attached, 0);
  if (attached <= wanted) return undefined;
  const most = edges.reduce((a, b) => (surplus(b, shares) > surplus(a, shares) ? b : a));
  return surplus(most, shares) > 0 ? { act: 'retire', key: most.key } : undefined;
}

function surplus(edge: EdgeState, shares: ReadonlyMap<string, number>): number {
  return edge.attached - (shares.get(edge.key) ?? 0);
}

/** How many links each edge should have: two edges before any gets a second link, then evenly over the preferred. */
export function shareLinks(edges: readonly EdgeState[], wanted: number): ReadonlyMap<string, number> {
  const usable = edges.filter((edge) => edge.attached > 0 || edge.dialing > 0 || edge.dialable);
  const shares = new Map<string, number>();
  for (let link = 0; link < wanted && usable.length > 0; link++) {
    const unused = usable.filter((edge) => !shares.has(edge.key));
    const choice = shares.size < MIN_EDGES && unused.length > 0 ? unused : usable;
    const best = choice.reduce((a, b) => (isBetter(b, a, shares) ? b : a));
    shares.set(best.key, (shares.get(best.key) ?? 0) + 1);
  }
  return shares;
}

function isBetter(a: EdgeState, b: EdgeState, shares: ReadonlyMap<string, number>): boolean {
  if (a.preferred !== b.preferred) return a.preferred;
  return (shares.get(a.key) ?? 0) < (shares.get(b.key) ?? 0);
}
