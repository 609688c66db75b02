import {
  EDGE_BYE,
  EDGE_LEASE,
  EDGE_LEFT,
  EDGE_UP,
  RESYNC,
  SESSIONS,
  SESSIONS_PER_MESSAGE,
  holdersOf,
  poolOf,
  sessionMessages,
} from '@culvert/signals';
import type {
  EdgeInfo,
  LeaseReply,
  PoolInfo,
  SessionInfo,
  SessionsMessage,
  Signals,
  Subscription,
} from '@culvert/signals';
import type { Session } from './pool.ts';
import type { Pools, PoolsObserver } from './pools.ts';
import { askRouters } from '../delivery/router-question.ts';

/** How often the lease is renewed, ms: three may be missed before it ends. */
const LEASE_INTERVAL_MS = 3_000;
const LEASE_TIMEOUT_MS = 2_000;
/** Changes of sessions are gathered for this long, ms: a storm becomes a few messages. */
const GATHER_MS = 50;
/** Before all sessions are sent again every edge waits a random part of this, ms, so that they do not come at once. */
const RESYNC_SPREAD_MS = 1_000;

export interface AnnouncerOptions {
  readonly signals: Signals;
  readonly pools: () => Pools;
  /** What the edge tells of itself now. */
  readonly info: () => EdgeInfo;
  /** Where other processes of this edge reach its pools. */
  readonly local?: () => string | undefined;
}

/** Tells routers and other edges what this edge is and holds: its lease, its sessions, its pools. */
export class Announcer implements PoolsObserver {
  readonly #options: AnnouncerOptions;
  readonly #signals: Signals;
  readonly #subscriptions: Subscription[] = [];
  /** Answers who holds a tunnel, while this edge does. */
  readonly #responders = new Map<string, Subscription>();
  #up = new Map<string, Session>();
  #down = new Set<string>();
  #gatherTimer: NodeJS.Timeout | undefined;
  #leaseTimer: NodeJS.Timeout | undefined;
  #resyncTimer: NodeJS.Timeout | undefined;
  #stopWatch: () => void = () => undefined;
  #stopped = false;
  /** Sessions by tunnel when another process took over: other edges are led on to it from here until it can be found. */
  #led: ReadonlyMap<string, number> | undefined;
  /** Messages about sessions sent since the start of the process. */
  #seq = 0;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
    this.#signals = options.signals;
  }

  start(): void {
    this.#subscriptions.push(this.#signals.subscribe(RESYNC, () => this.#resyncSoon()));
    this.#stopWatch = this.#signals.onState((state) => {
      if (state === 'connected') this.#resyncSoon();
    });
    this.#leaseTimer = setInterval(() => void this.#renew(), LEASE_INTERVAL_MS);
    void this.#renew();
  }

  /** Says what has changed about the edge itself now, such as that it drains. */
  announceEdge(): void {
    void this.#renew();
    for (const pool of this.#options.pools().tunnels) this.#announcePool(pool.tunnel);
  }

  /**
   * Another process has the lease of this edge now, and tells what there is of it. Who asks for pools is still answered:
   * their agents are here, or streams are passed on to that process.
   */
  leaveLease(): void {
    const pools = [...this.#options.pools().tunnels];
    this.#led = new Map(pools.map(({ tunnel, size }) => [tunnel, size]));
    clearInterval(this.#leaseTimer);
  }

  /** Leaves for good: the lease and all sessions end now. */
  async leave(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const timer of [this.#leaseTimer, this.#gatherTimer, this.#resyncTimer]) clearTimeout(timer);
    this.#stopWatch();
    const { id, boot } = this.#options.info();
    this.#signals.publish(EDGE_LEFT, { id, boot });
    await this.#signals
      .request(EDGE_BYE, { id, boot }, { timeoutMs: LEASE_TIMEOUT_MS })
      .catch(() => undefined);
    for (const subscription of [...this.#subscriptions, ...this.#responders.values()])
      subscription.unsubscribe();
  }

  onSession(session: Session, change: 'up' | 'changed' | 'down'): void {
    if (this.#stopped) return;
    if (change === 'down') {
      this.#up.delete(session.id);
      this.#down.add(session.id);
    } else {
      this.#up.set(session.id, session);
    }
    this.#gatherTimer ??= setTimeout(() => this.#sendChanges(), GATHER_MS);
    this.#announcePool(session.tunnel);
  }

  #announcePool(tunnel: string): void {
    if (this.#led !== undefined) return;
    const info = this.#poolInfo(tunnel);
    if (info === undefined) return;
    const responder = this.#responders.get(tunnel);
    if (info.sessions > 0 && responder === undefined) {
      this.#responders.set(
        tunnel,
        this.#signals.respond(holdersOf(tunnel), () => this.#poolInfo(tunnel)),
      );
    } else if (info.sessions === 0) {
      responder?.unsubscribe();
      this.#responders.delete(tunnel);
    }
    this.#signals.publish(poolOf(tunnel), info);
  }

  /** Undefined where this edge cannot be reached by others. */
  #poolInfo(tunnel: string): PoolInfo | undefined {
    const { id, region, boot, peers = '', draining } = this.#options.info();
    const local = this.#options.local?.();
    if (peers === '' && local === undefined) return undefined;
    const sessions = this.#led?.get(tunnel) ?? this.#options.pools().get(tunnel)?.size ?? 0;
    const own = local === undefined ? {} : { local };
    return { tunnel, edge: id, region, boot, peers, ...own, sessions, draining };
  }

  async #renew(): Promise<void> {
    if (this.#led !== undefined) return;
    const info = this.#options.info();
    this.#signals.publish(EDGE_UP, info);
    try {
      const reply = await askRouters<LeaseReply>(this.#signals, EDGE_LEASE, info, LEASE_TIMEOUT_MS);
      if ('resync' in reply && reply.resync) this.#sendAll();
    } catch {
      // No router answers: the lease is renewed with the next beat, and the data plane goes on without.
    }
  }

  #sendChanges(): void {
    this.#gatherTimer = undefined;
    const up = [...this.#up.values()].map((session) => this.#sessionInfo(session));
    const down = [...this.#down];
    this.#up = new Map();
    this.#down = new Set();
    const { id, boot } = this.#options.info();
    for (let at = 0; at < Math.max(up.length, down.length); at += SESSIONS_PER_MESSAGE) {
      const to = at + SESSIONS_PER_MESSAGE;
      const changes = { up: up.slice(at, to), down: down.slice(at, to) };
      const message: SessionsMessage = { edge: id, boot, seq: this.#nextSeq(), mode: 'change', ...changes };
      this.#signals.publish(SESSIONS, message);
    }
  }

  #resyncSoon(): void {
    this.#resyncTimer ??= setTimeout(() => {
      this.#resyncTimer = undefined;
      void this.#renew();
      this.#sendAll();
    }, Math.random() * RESYNC_SPREAD_MS);
  }

  #sendAll(): void {
    const { id, boot } = this.#options.info();
    const all = [...this.#options.pools().sessions].map((session) => this.#sessionInfo(session));
    for (const message of sessionMessages(id, boot, all, this.#nextSeq))
      this.#signals.publish(SESSIONS, message);
  }

  readonly #nextSeq = (): number => {
    this.#seq++;
    return this.#seq;
  };

  #sessionInfo(session: Session): SessionInfo {
    const { id, tunnel, agent, generation, address, since, draining, digest, claims } = session;
    return {
      id,
      tunnel,
      agent,
      generation,
      edge: this.#options.info().id,
      links: session.links.length,
      address,
      version: session.software,
      since,
      draining,
      digest,
      claims,
    };
  }
}
