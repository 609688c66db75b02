import { createHash } from 'node:crypto';
import { Backoff } from '@culvert/lifecycle';
import { formatEdgeAddress, parseEdgeAddress, type EdgeAddress } from '@culvert/settings';
import type { EdgeAddress as AdvertisedEdge } from '@culvert/wire';

/** Delays between dials, in ms. */
const BACKOFF = { baseMs: 500, capMs: 30_000, settledMs: 10_000 };
/** All agents hear at about the same time of an edge that came or came back; each waits a random part of this (ms). */
const ARRIVAL_SPREAD_MS = 2_000;

/** An edge that may be dialled, known by its address. */
export interface KnownEdge {
  readonly key: string;
  readonly address: EdgeAddress;
  readonly configured: boolean;
  readonly backoff: Backoff;
  /** What the edge calls itself; of a configured address known once it was reached. */
  id: string | undefined;
  region: string | undefined;
  /** When it may be dialled again: by our own backoff, and as it asked for; on the monotonic clock, ms. */
  notBefore: number;
  askedUntil: number;
  /** Its starts that were told of. */
  readonly boots: Set<string>;
  /** Whether the last dial was answered by a welcome. */
  proven: boolean;
  /** It has said that it takes no new streams: until it is there anew, others have its share. */
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

  /**
   * Replaces what was learned; addresses that nobody can dial are left out.
   * @param hasTime there are links enough: edges that are new need not be dialled at once
   */
  learn(advertised: readonly AdvertisedEdge[], hasTime = false): void {
    if (!this.#options.learns) return;
    const before = new Map(this.#learned.map((edge) => [edge.key, edge]));
    const learned = new Map<string, KnownEdge>();
    for (const { id, region, address: text, boot } of advertised) {
      const address = parseEdgeAddress(text);
      if (address === undefined) continue;
      const key = formatEdgeAddress(address);
      const configured = this.#configured.find((edge) => edge.key === key || edge.id === id);
      const known = before.get(key);
      const edge = known ?? this.#edge(address, false);
      if (known === undefined && configured === undefined && hasTime) this.#spread(edge);
      edge.id = id;
      edge.region = region;
      learned.set(key, edge);
      for (const each of [edge, configured])
        if (each !== undefined && boot !== undefined) this.#noteBoot(each, boot);
    }
    this.#learned = this.#inOrder([...learned.values()]);
  }

  /** The same address, but another process: what the earlier one did is no reason to leave this one alone. */
  #noteBoot(edge: KnownEdge, boot: string): void {
    if (edge.boots.has(boot)) return;
    const isAnother = edge.boots.size > 0;
    edge.boots.add(boot);
    if (!isAnother && edge.backoff.failures === 0) return;
    edge.backoff.reset();
    edge.draining = false;
    this.#spread(edge);
  }

  #spread(edge: KnownEdge): void {
    edge.notBefore = performance.now() + this.#options.random() * ARRIVAL_SPREAD_MS;
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
      askedUntil: 0,
      boots: new Set(),
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
