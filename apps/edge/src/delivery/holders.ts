import type { Link } from '@culvert/link';
import { holdersOf, poolOf } from '@culvert/signals';
import type { PoolInfo, Signals, Subscription } from '@culvert/signals';
import { ResetCode, packUuid } from '@culvert/wire';
import type { Ejection } from '../pool/ejection.ts';
import { Holder, chooseHolder, rankOf } from './holder.ts';
import type { Condition, Distance } from './holder.ts';
import type { PeerLinks } from '../peers/peer-links.ts';
import { isOf, isSiblingName, seenFrom } from '../peers/siblings.ts';
import type { Self } from '../peers/siblings.ts';

/** Tunnels whose holders are remembered; the longest unasked goes first. */
const MAX_TUNNELS = 10_000;
/** How long holders may answer once one of them has; the first answer is used at once. */
const GATHER_MS = 250;
/** How long the first of them may take: silence does not say that there is none. */
const PATIENCE_MS = 1_000;
/** What is known for longer is asked for again before it is used, ms. */
const FRESH_MS = 30_000;
/** And what is known for this long, in the background while it is used: signals get lost between NATS servers, ms. */
const REFRESH_MS = 4_000;
/** How long holders may answer then, ms: a busy one is not forgotten for being slow. */
const REFRESH_GATHER_MS = 1_000;
/** That nobody holds a pool is believed for this long, ms: a signal of a new pool comes sooner. */
const FRESH_NOBODY_MS = 500;

interface Known {
  readonly packed: string;
  /** By edge. */
  readonly holders: Map<string, Holder>;
  readonly subscription: Subscription;
  askedAt: number;
  /** Until the first answer. */
  asking: Promise<void> | undefined;
  /** Until all have had their time to answer. */
  gathering: Promise<void> | undefined;
  /** Asked for again in the background. */
  refreshing: boolean;
}

/** When an edge was last heard of over signals, `performance.now()`; undefined for one that does not announce itself. */
export type HeardAt = (edge: string) => number | undefined;

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
  readonly #self: Self & { readonly region: string };
  readonly #known = new Map<string, Known>();

  readonly #ejection: Ejection;
  readonly #heardAt: HeardAt;
  readonly #distance: Distance;

  constructor(
    signals: Signals,
    links: PeerLinks,
    self: Self & { readonly region: string },
    ejection: Ejection,
    heardAt: HeardAt,
  ) {
    this.#signals = signals;
    this.#links = links;
    this.#self = self;
    this.#ejection = ejection;
    this.#heardAt = heardAt;
    this.#distance = {
      roundTripMs: ({ pool }, condition) =>
        links.roundTripMs(pool.edge, condition === 'any' ? 'any' : 'sound'),
    };
  }

  get size(): number {
    return this.#known.size;
  }

  /** What is remembered now, for people and tests. */
  get view(): HoldersView[] {
    const now = performance.now();
    return [...this.#known].map(([tunnel, { holders, askedAt }]) => ({
      tunnel,
      // JSON has no infinity: null is a tunnel that has to be asked for before it is used.
      askedMsAgo: Number.isFinite(askedAt) ? Math.round(now - askedAt) : null,
      pools: [...holders.values()].map(({ pool: { edge, boot, sessions, draining } }) => ({
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

  /** Whether another edge is known to hold a pool that was not tried, and does well. */
  knows(tunnel: string, tried: readonly unknown[]): boolean {
    const now = performance.now();
    for (const holder of this.#known.get(tunnel)?.holders.values() ?? [])
      if (!tried.includes(holder) && !holder.health.isOut(now)) return true;
    return false;
  }

  /** The holder for the next stream, by a link that is up, if holders are known and fresh; nearer ones are dialled. */
  ready(tunnel: string, tried: readonly unknown[], condition: Condition = 'well'): Holder | undefined {
    const known = this.#known.get(tunnel);
    if (known === undefined) return undefined;
    const age = performance.now() - known.askedAt;
    if (age > FRESH_MS) return undefined;
    if (age > REFRESH_MS && !known.refreshing) void this.#refresh(tunnel, known);
    const holder = this.#choose(known, tried, condition);
    this.#prepareNearer(known, holder);
    return holder;
  }

  /** Asks who holds a pool, dials the nearest. Undefined when nobody does or none can be reached. */
  async reach(tunnel: string, tried: readonly unknown[]): Promise<Holder | undefined> {
    await this.#ask(tunnel);
    const holder = await this.#dial(tunnel, tried);
    const gathering = this.#known.get(tunnel)?.gathering;
    if (holder !== undefined || gathering === undefined) return holder;
    // The first to answer is of no use: the others are waited for.
    await gathering;
    return this.#dial(tunnel, tried);
  }

  /** The link that a stream to the holder goes by. */
  linkTo(holder: Holder): Link | undefined {
    return this.#links.up(holder.pool.edge);
  }

  /** A link that is up to another process of this edge that holds a pool of the tunnel. */
  siblingLink(tunnel: string): Link | undefined {
    for (const { pool } of this.#known.get(tunnel)?.holders.values() ?? []) {
      const link = isSiblingName(pool.edge) ? this.#links.up(pool.edge) : undefined;
      if (link !== undefined) return link;
    }
    return undefined;
  }

  async #dial(tunnel: string, tried: readonly unknown[]): Promise<Holder | undefined> {
    const known = this.#known.get(tunnel);
    if (known === undefined) return undefined;
    const ready = this.#choose(known, tried, 'well');
    if (ready !== undefined) return ready;
    const now = performance.now();
    const left = [...known.holders.values()].filter(
      (holder) => !tried.includes(holder) && !holder.health.isOut(now),
    );
    const { region } = this.#self;
    for (const holder of left.sort((a, b) => rankOf(a, region) - rankOf(b, region))) {
      const link = await this.#links.reach(holder.pool).catch(() => undefined);
      if (link?.available === true) return holder;
    }
    return undefined;
  }

  #choose(known: Known, tried: readonly unknown[], condition: Condition): Holder | undefined {
    return chooseHolder(known.holders, tried, condition, this.#self.region, this.#distance);
  }

  /** Those as near as the chosen one have to be dialled to take their share, and nearer ones to be preferred. */
  #prepareNearer(known: Known, chosen: Holder | undefined): void {
    const { region } = this.#self;
    const rank = chosen === undefined ? Infinity : rankOf(chosen, region);
    for (const holder of known.holders.values())
      if (rankOf(holder, region) <= rank) this.#links.prepare(holder.pool);
  }

  /** A stream relayed to the holder was reset with the code. */
  failed(tunnel: string, holder: Holder, code: number): void {
    // It holds no pool of the tunnel (any more).
    if (code === ResetCode.NotHere) this.#forget(tunnel, holder);
    else if (code === ResetCode.LinkLost) holder.unanswered++;
    // Each of its agents may fail once: it sets them aside itself.
    else this.#ejection.failed(holder.health, code, holder.pool.sessions);
  }

  /** A stream was answered; only to be called where there were failures. */
  answered(holder: Holder): void {
    holder.unanswered = 0;
    this.#ejection.answered(holder.health);
  }

  #forget(tunnel: string, holder: Holder): void {
    const holders = this.#known.get(tunnel)?.holders;
    const { edge } = holder.pool;
    if (holders?.get(edge) === holder) holders.delete(edge);
  }

  /** An edge has left or started anew: what it said before counts no more. */
  forgetEdge(edge: string): void {
    for (const known of this.#known.values()) {
      let gone = false;
      for (const key of known.holders.keys()) if (isOf(key, edge)) gone = known.holders.delete(key);
      // Nobody has said that there are no others: another process of the edge may have taken over.
      if (gone && known.holders.size === 0) known.askedAt = -Infinity;
    }
  }

  /** Signals may have been missed: everything is asked for again. */
  forgetFreshness(): void {
    for (const known of this.#known.values()) known.askedAt = -Infinity;
  }

  stop(): void {
    for (const known of this.#known.values()) known.subscription.unsubscribe();
    this.#known.clear();
  }

  #ask(tunnel: string): Promise<void> {
    const known = this.#known.get(tunnel) ?? this.#watch(tunnel);
    const age = performance.now() - known.askedAt;
    if (age < (known.holders.size === 0 ? FRESH_NOBODY_MS : FRESH_MS)) return Promise.resolve();
    known.asking ??= this.#gather(tunnel, known).finally(() => {
      known.asking = undefined;
    });
    return known.asking;
  }

  /** Resolves with the first answer; later ones are noted as they come. */
  #gather(tunnel: string, known: Known): Promise<void> {
    const gathering = Promise.withResolvers<void>();
    known.gathering = gathering.promise;
    return new Promise((resolve) => {
      const answered = (): void => {
        known.askedAt = performance.now();
        resolve();
      };
      const done = (): void => {
        clearTimeout(timer);
        if (known.gathering === gathering.promise) known.gathering = undefined;
        gathering.resolve();
        answered();
      };
      let replies = 0;
      const timer = setTimeout(() => {
        if (replies > 0) done();
      }, GATHER_MS);
      const onReply = (reply: unknown): void => {
        replies++;
        this.#note(known, reply as PoolInfo);
        // Later ones are noted, and nobody waits for them any more.
        if (known.gathering === gathering.promise) answered();
      };
      const askedAt = performance.now();
      const over = (error?: unknown): void => {
        if (known.gathering !== gathering.promise) return;
        if (isNobody(error)) this.#forgetSilent(known, NOBODY, askedAt);
        done();
      };
      this.#signals
        .gather(holdersOf(tunnel), {}, { windowMs: PATIENCE_MS, onReply })
        .then(() => over(), over);
    });
  }

  async #refresh(tunnel: string, known: Known): Promise<void> {
    known.refreshing = true;
    const heard = new Set<string>();
    const askedAt = performance.now();
    const onReply = (reply: unknown): void => {
      const pool = reply as PoolInfo;
      heard.add(pool.edge);
      this.#note(known, pool);
    };
    try {
      await this.#signals.gather(holdersOf(tunnel), {}, { windowMs: REFRESH_GATHER_MS, onReply });
      this.#forgetSilent(known, heard, askedAt);
    } catch (error) {
      if (isNobody(error)) this.#forgetSilent(known, NOBODY, askedAt);
    }
    known.askedAt = performance.now();
    known.refreshing = false;
  }

  /**
   * Those who have not answered: at once where no link leads to them. A holder with a link says itself that it is none;
   * it is forgotten when it does not answer again after its edge was heard of. NATS servers that are parted, or have
   * just come back, do not know who listens, and what does not come through says nothing.
   */
  #forgetSilent(known: Known, answered: ReadonlySet<string>, askedAt: number): void {
    for (const [edge, holder] of known.holders) {
      if (answered.has(edge)) continue;
      const { silentSince } = holder;
      holder.silentSince ??= askedAt;
      const isLinked = this.#links.up(edge) !== undefined;
      if (!isLinked || (silentSince !== undefined && this.#isHeard(edge, silentSince, askedAt)))
        known.holders.delete(edge);
    }
  }

  #isHeard(edge: string, since: number, until: number): boolean {
    const heardAt = this.#heardAt(edge);
    return heardAt === undefined || (heardAt > since && heardAt <= until);
  }

  #watch(tunnel: string): Known {
    const known: Known = {
      packed: packUuid(tunnel),
      holders: new Map(),
      subscription: this.#signals.subscribe(poolOf(tunnel), (message) =>
        this.#note(known, message as PoolInfo),
      ),
      askedAt: -Infinity,
      asking: undefined,
      gathering: undefined,
      refreshing: false,
    };
    this.#known.set(tunnel, known);
    if (this.#known.size > MAX_TUNNELS) {
      const [oldest, entry] = this.#known.entries().next().value!;
      entry.subscription.unsubscribe();
      this.#known.delete(oldest);
    }
    return known;
  }

  #note(known: Known, told: PoolInfo): void {
    const pool = seenFrom(this.#self, told);
    if (pool === undefined) return;
    // It costs nothing but a socket, and may be needed at once.
    if (isSiblingName(pool.edge) && pool.sessions > 0) this.#links.prepare(pool);
    const holder = known.holders.get(pool.edge);
    if (pool.sessions === 0) {
      // An edge that has started anew is not ended by the last words of its earlier life.
      if (holder?.pool.boot === pool.boot) known.holders.delete(pool.edge);
    } else if (holder?.pool.boot === pool.boot) {
      holder.pool = pool;
      holder.silentSince = undefined;
    } else {
      known.holders.set(pool.edge, new Holder(pool));
    }
  }
}

const NOBODY: ReadonlySet<string> = new Set();

/** Nobody listens to the question; that signals cannot be sent says nothing about holders. */
function isNobody(error: unknown): boolean {
  return error instanceof Error && error.name === 'NoRespondersError';
}
