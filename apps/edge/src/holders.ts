import type { Link } from '@culvert/link';
import { holdersOf, poolOf } from '@culvert/signals';
import type { PoolInfo, Signals, Subscription } from '@culvert/signals';
import { packUuid } from '@culvert/wire';
import type { PeerLinks } from './peer-links.ts';

/** Tunnels whose holders are remembered; the longest unasked goes first. */
const MAX_TUNNELS = 10_000;
/** How long holders may answer; the first answer is used at once. */
const GATHER_MS = 250;
/** Holders are asked for again after this long even if no signal came, ms. */
const FRESH_MS = 30_000;
/** That nobody holds a pool is believed for this long, ms: a signal of a new pool comes sooner. */
const FRESH_NOBODY_MS = 500;

interface Known {
  readonly packed: string;
  readonly pools: Map<string, PoolInfo>;
  readonly subscription: Subscription;
  askedAt: number;
  /** Until the first answer. */
  asking: Promise<void> | undefined;
  /** Until all have had their time to answer. */
  gathering: Promise<void> | undefined;
  turn: number;
}

/** Which edges are remembered as holders of a tunnel. */
export interface HoldersView {
  readonly tunnel: string;
  /** Null: it will be asked for before it is used again. */
  readonly askedMsAgo: number | null;
  readonly pools: readonly Pick<PoolInfo, 'edge' | 'boot' | 'sessions' | 'draining'>[];
}

/** Which other edges hold a pool of a tunnel, as far as this edge has asked. */
export class Holders {
  readonly #signals: Signals;
  readonly #links: PeerLinks;
  readonly #self: { readonly id: string; readonly region: string };
  readonly #known = new Map<string, Known>();

  constructor(signals: Signals, links: PeerLinks, self: { readonly id: string; readonly region: string }) {
    this.#signals = signals;
    this.#links = links;
    this.#self = self;
  }

  get size(): number {
    return this.#known.size;
  }

  /** What is remembered now, for people and tests. */
  get view(): HoldersView[] {
    const now = performance.now();
    return [...this.#known].map(([tunnel, { pools, askedAt }]) => ({
      tunnel,
      // JSON has no infinity: null is a tunnel that has to be asked for before it is used.
      askedMsAgo: Number.isFinite(askedAt) ? Math.round(now - askedAt) : null,
      pools: [...pools.values()].map(({ edge, boot, sessions, draining }) => ({
        edge,
        boot,
        sessions,
        draining,
      })),
    }));
  }

  /** The tunnel's id as it stands in opening frames. */
  packed(tunnel: string): string {
    return this.#known.get(tunnel)?.packed ?? packUuid(tunnel);
  }

  /** Whether another edge is known to hold a pool that was not tried. */
  knows(tunnel: string, tried: readonly unknown[]): boolean {
    return this.#candidates(tunnel).some((pool) => !tried.includes(this.#links.up(pool.edge) ?? pool.edge));
  }

  /** A link that is up to a holder, if holders are known and fresh; nearer ones are dialled for the next time. */
  ready(tunnel: string, tried: readonly unknown[]): Link | undefined {
    const known = this.#known.get(tunnel);
    if (known === undefined || performance.now() - known.askedAt > FRESH_MS) return undefined;
    for (const pool of this.#candidates(tunnel)) {
      const link = this.#links.up(pool.edge);
      if (link?.available === true && !tried.includes(link)) return link;
      if (link === undefined) this.#links.prepare(pool);
    }
    return undefined;
  }

  /** Asks who holds a pool, dials the nearest. Undefined when nobody does or none can be reached. */
  async reach(tunnel: string, tried: readonly unknown[]): Promise<Link | undefined> {
    await this.#ask(tunnel);
    const link = await this.#dial(tunnel, tried);
    const gathering = this.#known.get(tunnel)?.gathering;
    if (link !== undefined || gathering === undefined) return link;
    // The first to answer is of no use: the others are waited for.
    await gathering;
    return this.#dial(tunnel, tried);
  }

  async #dial(tunnel: string, tried: readonly unknown[]): Promise<Link | undefined> {
    for (const pool of this.#candidates(tunnel)) {
      const link = await this.#links.reach(pool).catch(() => undefined);
      if (link?.available === true && !tried.includes(link)) return link;
    }
    return undefined;
  }

  /** The edge at the other end of the link says that it holds no pool of the tunnel (any more). */
  wrong(tunnel: string, link: unknown): void {
    const pools = this.#known.get(tunnel)?.pools;
    for (const edge of pools?.keys() ?? []) if (this.#links.up(edge) === link) pools!.delete(edge);
  }

  /** An edge has left or started anew: what it said before counts no more. */
  forgetEdge(edge: string): void {
    for (const known of this.#known.values()) known.pools.delete(edge);
  }

  /** Signals may have been missed: everything is asked for again. */
  forgetFreshness(): void {
    for (const known of this.#known.values()) known.askedAt = -Infinity;
  }

  stop(): void {
    for (const known of this.#known.values()) known.subscription.unsubscribe();
    this.#known.clear();
  }

  /** Own region first; within one region in turn, so that equally near holders share the work by their sizes. */
  #candidates(tunnel: string): PoolInfo[] {
    const known = this.#known.get(tunnel);
    if (known === undefined) return [];
    const pools = [...known.pools.values()].filter((pool) => pool.sessions > 0);
    if (pools.length < 2) return pools;
    known.turn++;
    const near = pools.filter((pool) => pool.region === this.#self.region && !pool.draining);
    const far = pools.filter((pool) => pool.region !== this.#self.region && !pool.draining);
    const last = pools.filter((pool) => pool.draining);
    return [...inTurn(near, known.turn), ...inTurn(far, known.turn), ...last];
  }

  #ask(tunnel: string): Promise<void> {
    const known = this.#known.get(tunnel) ?? this.#watch(tunnel);
    const age = performance.now() - known.askedAt;
    if (age < (known.pools.size === 0 ? FRESH_NOBODY_MS : FRESH_MS)) return Promise.resolve();
    known.asking ??= this.#gather(tunnel, known).finally(() => {
      known.asking = undefined;
    });
    return known.asking;
  }

  /** Resolves with the first answer; later ones are noted as they come. */
  #gather(tunnel: string, known: Known): Promise<void> {
    return new Promise((resolve) => {
      const answered = (): void => {
        known.askedAt = performance.now();
        resolve();
      };
      const onReply = (reply: unknown): void => {
        this.#note(known, reply as PoolInfo);
        answered();
      };
      const done = (): void => {
        known.gathering = undefined;
        answered();
      };
      known.gathering = this.#signals
        .gather(holdersOf(tunnel), {}, { windowMs: GATHER_MS, onReply })
        .then(done, (error: unknown) => {
          // Unreachable signals say nothing about the holders: the last known ones go on serving.
          if (error instanceof Error && error.name === 'NoRespondersError') known.pools.clear();
          done();
        });
    });
  }

  #watch(tunnel: string): Known {
    const known: Known = {
      packed: packUuid(tunnel),
      pools: new Map(),
      subscription: this.#signals.subscribe(poolOf(tunnel), (message) =>
        this.#note(known, message as PoolInfo),
      ),
      askedAt: -Infinity,
      asking: undefined,
      gathering: undefined,
      turn: 0,
    };
    this.#known.set(tunnel, known);
    if (this.#known.size > MAX_TUNNELS) {
      const [oldest, entry] = this.#known.entries().next().value!;
      entry.subscription.unsubscribe();
      this.#known.delete(oldest);
    }
    return known;
  }

  #note(known: Known, pool: PoolInfo): void {
    if (pool.edge === this.#self.id) return;
    if (pool.sessions === 0) {
      // An edge that has started anew is not ended by the last words of its earlier life.
      if (known.pools.get(pool.edge)?.boot === pool.boot) known.pools.delete(pool.edge);
    } else {
      known.pools.set(pool.edge, pool);
    }
  }
}

/** Rotated by weight: each pool leads as often as it has sessions. */
function inTurn(pools: PoolInfo[], turn: number): PoolInfo[] {
  if (pools.length < 2) return pools;
  let left = turn % pools.reduce((sum, pool) => sum + pool.sessions, 0);
  let first = 0;
  while (left >= pools[first]!.sessions) left -= pools[first++]!.sessions;
  return [...pools.slice(first), ...pools.slice(0, first)];
}
