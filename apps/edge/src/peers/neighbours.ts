import { EDGE_LEFT, EDGE_UP } from '@culvert/signals';
import type { EdgeInfo, Signals, Subscription } from '@culvert/signals';
import type { EdgeAddress } from '@culvert/wire';
import { edgeName } from './siblings.ts';

/** An edge that has said nothing for this long, three of its beats, is no longer told to agents, ms. */
const SILENT_MS = 10_000;
/** How often is looked who has gone silent, ms. */
const LOOK_MS = 1_000;

interface Neighbour {
  readonly info: EdgeInfo;
  readonly heardAt: number;
  silent: boolean;
}

/** Another edge, as it was heard of last. */
export interface NeighbourView {
  readonly edge: string;
  readonly region: string;
  readonly boot: string;
  readonly draining: boolean;
  readonly heardMsAgo: number;
}

export interface NeighboursObserver {
  /** An edge has left or started anew. */
  onGone(edge: string): void;
  /** Nothing has been heard of an edge for long, although signals can be heard. */
  onSilent(edge: string): void;
  /** A silent one speaks again: what it said meanwhile was missed. */
  onHeardAgain(edge: string): void;
  /** A process of this edge, or of a sibling, has left. */
  onSiblingGone(id: string, boot: string): void;
  /** The list that agents are told is another one. */
  onChange(): void;
}

/** The other edges, as they announce themselves. */
export class Neighbours {
  readonly #self: string;
  readonly #observer: NeighboursObserver;
  readonly #known = new Map<string, Neighbour>();
  /** Starts of edges that were followed by another one. */
  readonly #past = new Set<string>();
  readonly #subscriptions: Subscription[];
  readonly #timer: NodeJS.Timeout;
  readonly #stopWatch: () => void;
  /** Since when signals can be heard. */
  #hearsSince = performance.now();

  constructor(signals: Signals, self: string, observer: NeighboursObserver) {
    this.#self = self;
    this.#timer = setInterval(() => {
      if (signals.state === 'connected') this.#look();
    }, LOOK_MS);
    this.#stopWatch = signals.onState(() => (this.#hearsSince = performance.now()));
    this.#observer = observer;
    this.#subscriptions = [
      signals.subscribe(EDGE_UP, (message) => this.#up(message as EdgeInfo)),
      signals.subscribe(EDGE_LEFT, (message) => this.#left(message as Pick<EdgeInfo, 'id' | 'boot'>)),
    ];
  }

  /** Addresses for agents, of edges that are not about to leave. */
  get forAgents(): EdgeAddress[] {
    const addresses = new Map<string, EdgeAddress>();
    for (const { info, silent } of this.#known.values()) {
      const { id, region, agents: address, boot, start = boot, draining } = info;
      if (silent || draining || address === undefined) continue;
      // Workers share an address, and are one edge.
      addresses.set(address, { id: edgeName(id), region, address, boot: start });
    }
    return [...addresses.values()];
  }

  /** When the edge was last heard of; `performance.now()`. */
  heardAt(edge: string): number | undefined {
    return this.#known.get(edge)?.heardAt;
  }

  /** What was heard last of each, for people and tests. */
  get view(): NeighbourView[] {
    const now = performance.now();
    return [...this.#known.values()].map(({ info, heardAt }) => ({
      edge: info.id,
      region: info.region,
      boot: info.boot,
      draining: info.draining,
      heardMsAgo: Math.round(now - heardAt),
    }));
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#stopWatch();
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  #up(info: EdgeInfo): void {
    if (info.id === this.#self) return;
    const before = this.#known.get(info.id);
    // While an edge is replaced by its successor, both speak.
    if (this.#past.has(info.boot)) return;
    if (before !== undefined && before.info.boot !== info.boot) this.#past.add(before.info.boot);
    this.#known.set(info.id, { info, heardAt: performance.now(), silent: false });
    if (before !== undefined && before.info.boot !== info.boot) this.#observer.onGone(info.id);
    if (before?.silent === true) this.#observer.onHeardAgain(info.id);
    // One that has started anew is to be dialled again by those who gave it up.
    const same =
      before?.info.agents === info.agents &&
      before?.info.draining === info.draining &&
      before?.info.boot === info.boot &&
      !before.silent;
    if (!same) this.#observer.onChange();
  }

  /** While nothing at all could be heard, silence says nothing. */
  #look(): void {
    const now = performance.now();
    if (now - this.#hearsSince < SILENT_MS) return;
    for (const neighbour of this.#known.values()) {
      if (neighbour.silent || now - neighbour.heardAt < SILENT_MS) continue;
      neighbour.silent = true;
      this.#observer.onSilent(neighbour.info.id);
      this.#observer.onChange();
    }
  }

  #left({ id, boot }: Pick<EdgeInfo, 'id' | 'boot'>): void {
    if (edgeName(id) === edgeName(this.#self)) this.#observer.onSiblingGone(id, boot);
    if (this.#known.get(id)?.info.boot !== boot) return;
    this.#known.delete(id);
    this.#observer.onGone(id);
    this.#observer.onChange();
  }
}
