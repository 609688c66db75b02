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
  /** It failed when it was dialled last: until it answers again, the others have its share. */
  readonly doubtful: boolean;
}

export type PlanStep = { readonly act: 'dial' | 'retire'; readonly key: string };

/** Edges that an agent is attached to at least, where there are so many. */
const MIN_EDGES = 2;

/**
 * The next thing to do so that `wanted` links are spread over the edges, or undefined when it is done or has to
 * wait. Pure. A surplus link is retired only after its successor is attached, so moving never costs a link.
 */
export function nextStep(edges: readonly EdgeState[], wanted: number): PlanStep | undefined {
  const shares = shareLinks(edges.filter(isReliable), wanted);
  const next = edges.find((edge) => missing(edge, shares) > 0 && mayDial(edge)) ?? edgeToProbe(edges, wanted);
  if (next !== undefined) return { act: 'dial', key: next.key };
  const attached = edges.reduce((sum, edge) => sum + edge.attached, 0);
  if (attached <= wanted) return undefined;
  const most = edges.reduce((a, b) => (surplus(b, shares) > surplus(a, shares) ? b : a));
  return surplus(most, shares) > 0 ? { act: 'retire', key: most.key } : undefined;
}

/** One that failed and that would have a share if it did not: perhaps it is back. */
function edgeToProbe(edges: readonly EdgeState[], wanted: number): EdgeState | undefined {
  const doubtful = edges.filter((edge) => !isReliable(edge) && mayDial(edge));
  if (doubtful.length === 0) return undefined;
  const shares = shareLinks(edges, wanted);
  return doubtful.find((edge) => missing(edge, shares) > 0);
}

function isReliable(edge: EdgeState): boolean {
  return edge.attached > 0 || !edge.doubtful;
}

function mayDial(edge: EdgeState): boolean {
  return edge.dialable && (edge.proven || edge.dialing === 0);
}

/** Links that an edge should have and that are not even being dialled. */
function missing(edge: EdgeState, shares: ReadonlyMap<string, number>): number {
  return (shares.get(edge.key) ?? 0) - edge.attached - edge.dialing;
}

/** Links that an edge has and should not. */
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
