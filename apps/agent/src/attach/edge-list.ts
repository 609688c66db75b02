import { createHash } from 'node:crypto';
import { Backoff } from '@culvert/lifecycle';
import { formatEdgeAddress, parseEdgeAddress, type EdgeAddress } from '@culvert/settings';
import type { EdgeAddress as AdvertisedEdge } from '@culvert/wire';

/** Delays between dials, in ms. */
const BACKOFF = { baseMs: 500, capMs: 30_000, settledMs: 10_000 };

/** An edge that may be dialled, known by its address. */
export interface KnownEdge {
  readonly key: string;
  readonly address: EdgeAddress;
  readonly configured: boolean;
  readonly backoff: Backoff;
  /** What the edge calls itself; of a configured address known once it was reached. */
  id: string | undefined;
  region: string | undefined;
  /** On the monotonic clock, ms. */
  notBefore: number;
  /** Whether the last dial was answered by a welcome. */
  proven: boolean;
  /** It has said that it takes no new streams, and a link to it is still there. */
  draining: boolean;
}

export interface EdgeListOptions {
  readonly configured: readonly EdgeAddress[];
  /** Whether other edges than the configured ones are dialled. */
  readonly learns: boolean;
  /** Decides the order in which edges are used; another one for each agent, so that they spread. */
  readonly seed: string;
  readonly random: () => number;
}

/** The edges that the agent was given and those that edges have told it of. */
export class EdgeList {
  readonly #options: EdgeListOptions;
  readonly #configured: readonly KnownEdge[];
  #learned: readonly KnownEdge[] = [];

  constructor(options: EdgeListOptions) {
    this.#options = options;
    const configured = options.configured.map((address) => this.#edge(address, true));
    this.#configured = options.learns ? this.#inOrder(configured) : configured;
  }

  /** Each edge once: a configured address goes before a learned one that leads to the same edge. */
  get all(): readonly KnownEdge[] {
    const ids = new Set<string>();
    const keys = new Set<string>();
    return [...this.#configured, ...this.#learned].filter((edge) => {
      if (keys.has(edge.key) || (edge.id !== undefined && ids.has(edge.id))) return false;
      keys.add(edge.key);
      if (edge.id !== undefined) ids.add(edge.id);
      return true;
    });
  }

  /** Replaces what was learned; addresses that nobody can dial are left out. */
  learn(advertised: readonly AdvertisedEdge[]): void {
    if (!this.#options.learns) return;
    const before = new Map(this.#learned.map((edge) => [edge.key, edge]));
    const learned = new Map<string, KnownEdge>();
    for (const { id, region, address: text } of advertised) {
      const address = parseEdgeAddress(text);
      if (address === undefined) continue;
      const key = formatEdgeAddress(address);
      const edge = before.get(key) ?? this.#edge(address, false);
      edge.id = id;
      edge.region = region;
      learned.set(key, edge);
    }
    this.#learned = this.#inOrder([...learned.values()]);
  }

  #edge(address: EdgeAddress, configured: boolean): KnownEdge {
    const backoff = new Backoff({ ...BACKOFF, random: this.#options.random });
    const key = formatEdgeAddress(address);
    return {
      key,
      address,
      configured,
      backoff,
      id: undefined,
      region: undefined,
      notBefore: 0,
      proven: false,
      draining: false,
    };
  }

  #inOrder(edges: readonly KnownEdge[]): readonly KnownEdge[] {
    const ranked = edges.map((edge) => ({ edge, rank: rankOf(this.#options.seed, edge.key) }));
    return ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1)).map(({ edge }) => edge);
  }
}

function rankOf(seed: string, key: string): string {
  return createHash('sha256').update(`${seed}\n${key}`).digest('hex');
}
