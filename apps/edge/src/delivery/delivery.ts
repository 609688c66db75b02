import type { Link, StreamConsumer, StreamMemory } from '@culvert/link';
import { ResetCode } from '@culvert/wire';
import type { OpenMeta } from '@culvert/wire';
import type { EdgeCounters } from '../counters.ts';
import type { Holder } from './holder.ts';
import type { Holders } from './holders.ts';
import { linkOf } from '../pool/pool.ts';
import type { Session } from '../pool/pool.ts';
import type { Pools } from '../pool/pools.ts';
import type { Refusal } from '../http/refusal.ts';
import type { ReadyRoute } from './ready-route.ts';
import type { Resolver } from './resolver.ts';
import type { RetryBudget } from './retry-budget.ts';

/** Sessions of the local pool that are tried for one request, and then other edges. */
const MAX_TRIES_HERE = 3;
const MAX_TRIES = 5;

/** What finds the way from a hostname to a stream. One an edge. */
export interface Ways {
  readonly resolver: Resolver;
  readonly pools: Pools;
  readonly holders: Holders;
  readonly memory: StreamMemory;
  readonly counters: EdgeCounters;
  readonly retryBudget: RetryBudget;
}

/** A request or connection that wants to reach a tunnel; also takes what comes back. */
export interface Caller extends StreamConsumer {
  readonly hostname: string;
  readonly path: string;
  /** Opens the stream on a link and remembers it; the metadata's own part is up to the caller. */
  openOn(link: Link, way: Way): void;
  /** Called once, before anything is opened. False when the caller has answered itself, so that nothing is. */
  onRoute(route: ReadyRoute): boolean;
  /** Nothing more is tried. */
  onRefused(refusal: Refusal): void;
}

/** The part of a stream's metadata that depends on where it goes. */
export type Way = Pick<OpenMeta, 'hops' | 'window' | 'tunnel'>;

/**
 * One caller's way to an agent: resolves its hostname, tries up to three sessions of the local pool, then other
 * edges that hold one. Whoever calls `again` has made sure that the request may be repeated.
 */
export class Delivery {
  readonly #ways: Ways;
  readonly #caller: Caller;
  #tunnel = '';
  /** Sessions and other edges that failed this caller, one for each try. */
  #tried: readonly unknown[] = NOBODY;
  /** Those of them that are not tried again: the others have more links, or more sessions. */
  #spent: readonly unknown[] = NOBODY;
  /** How many of the tries were at the local pool. */
  #triesHere = 0;
  /** Where the stream is now: at a session of the local pool, or at another edge. */
  #session: Session | undefined;
  #link: Link | undefined;
  #holder: Holder | undefined;
  /** Whether a service has broken its connection after it had got the request. */
  serviceLost = false;
  #cancelled = false;
  /** What the last try failed with. */
  #failure: Refusal | undefined;

  constructor(ways: Ways, caller: Caller) {
    this.#ways = ways;
    this.#caller = caller;
  }

  /** The caller is gone. */
  cancel(): void {
    this.#cancelled = true;
  }

  /** Opens a stream, at once where everything is known and local. */
  start(): void {
    const routes = this.#ways.resolver.known(this.#caller.hostname);
    if (routes !== undefined) return this.#route(routes.match(this.#caller.path));
    this.#ways.resolver.resolve(this.#caller.hostname).then(
      (found) => this.#route(found.match(this.#caller.path)),
      () =>
        this.#refuse({
          code: 'registry_unavailable',
          reason: 'the hostname cannot be looked up at the moment',
        }),
    );
  }

  /** Starts at a known route: one by port has no hostname to resolve. */
  startAt(route: ReadyRoute): void {
    this.#route(route);
  }

  /** Whether another session, link or edge is left to try; other edges count when any is known to hold the tunnel. */
  get hasAlternative(): boolean {
    if (this.#tried.length + 1 >= MAX_TRIES || this.#ways.retryBudget.exhausted) return false;
    const tried = [...this.#tried, this.#session ?? this.#holder];
    const hasHere = (): boolean =>
      this.#triesHere < MAX_TRIES_HERE &&
      (this.#ways.pools.get(this.#tunnel)?.has(tried) === true || hasSoundLink(this.#session, this.#link));
    return hasHere() || hasMore(this.#holder) || this.#ways.holders.knows(this.#tunnel, tried);
  }

  /** The answer has begun: whoever gave it is well. */
  answered(): void {
    if (this.#session !== undefined && this.#session.health.failures > 0)
      this.#ways.pools.answered(this.#session);
    else if (this.#holder !== undefined && this.#holder.hasFailed) this.#ways.holders.answered(this.#holder);
  }

  /** The stream was reset with the code: who failed is passed over for a while, if that was its doing. */
  failed(code: number): void {
    if (this.#session !== undefined) this.#ways.pools.failed(this.#session, code);
    else if (this.#holder !== undefined) this.#ways.holders.failed(this.#tunnel, this.#holder, code);
  }

  /**
   * The stream failed with a reset: tries the next one, or refuses with what that reset means. A session that has lost
   * a link may be tried again on another one, after the sessions that have not failed.
   */
  again(code: number, failed: 'link' | 'session'): void {
    // That somebody else does not take it either says less than what went wrong before, and nothing of why least.
    if (this.#failure === undefined || this.#failure.code === 'no_agent' || !isElsewhere(code)) {
      this.#failure = refusalFor(code);
    }
    this.failed(code);
    this.serviceLost ||= code === ResetCode.UpstreamLost;
    const current = this.#session ?? this.#holder;
    this.#tried = [...this.#tried, current];
    if (!this.#mayTryAgain(code, failed)) this.#spent = [...this.#spent, current];
    if (this.#tried.length >= MAX_TRIES || this.#cancelled || !this.#mayAfford(code)) {
      return this.#refuse(this.#failure);
    }
    this.#ways.counters.retries++;
    if (code === ResetCode.LinkLost && failed === 'session' && this.#askSameEdge()) return;
    this.#next();
  }

  /**
   * An agent behind another edge is silent: that edge knows by now which it is, and takes another of its agents. Once,
   * and while some of them answer: elsewhere the same agent may be met again.
   */
  #askSameEdge(): boolean {
    const holder = this.#holder;
    if (holder === undefined || !hasMore(holder) || holder.unanswered > holder.pool.sessions) return false;
    const isFirst = this.#tried.indexOf(holder) === this.#tried.length - 1;
    return isFirst && this.#ways.holders.linkTo(holder)?.suspect === false && this.#relay(holder);
  }

  /** Asking somebody else is free while nobody has taken the request. */
  #mayAfford(code: number): boolean {
    const { retryBudget, counters } = this.#ways;
    if (isElsewhere(code) || retryBudget.spend()) return true;
    counters.retriesDenied++;
    return false;
  }

  /** Whether what failed may do better the next time: by another link, or with another agent of the same edge. */
  #mayTryAgain(code: number, failed: 'link' | 'session'): boolean {
    if (failed === 'link') return true;
    // Somebody behind it drains, or it does itself: who stands in for them is reached in the same way.
    if (code === ResetCode.Refused && this.#holder !== undefined) return !this.#hasBefore(this.#holder);
    if (code === ResetCode.LinkLost && hasSoundLink(this.#session, this.#link)) return true;
    return code !== ResetCode.NotHere && hasMore(this.#holder);
  }

  /** Whether it was tried before the last try, too. */
  #hasBefore(holder: Holder): boolean {
    return this.#tried.indexOf(holder) < this.#tried.length - 1;
  }

  #route(route: ReadyRoute | undefined): void {
    if (this.#cancelled) return;
    if (route === undefined) {
      const name = this.#caller.hostname === '' ? 'the request' : this.#caller.hostname;
      return this.#refuse({ code: 'unknown_hostname', reason: `no route leads from ${name} to a tunnel` });
    }
    this.#tunnel = route.tunnel;
    if (this.#caller.onRoute(route)) this.#next();
  }

  #next(): void {
    const pool = this.#ways.pools.get(this.#tunnel);
    const session = this.#mayTryHere ? (pool?.pick(this.#tried) ?? pool?.pick(this.#spent)) : undefined;
    if (session === undefined || !this.#openHere(session)) this.#elsewhere();
  }

  get #mayTryHere(): boolean {
    return this.#triesHere < MAX_TRIES_HERE;
  }

  #openHere(session: Session): boolean {
    const { pools, memory } = this.#ways;
    const pool = pools.get(this.#tunnel);
    const link = linkOf(session, this.#link);
    if (pool === undefined || link === undefined) return false;
    this.#session = session;
    this.#link = link;
    this.#holder = undefined;
    this.#triesHere++;
    this.#caller.openOn(link, { hops: 0, window: memory.grantFirst(link.roundTripMs), tunnel: pool.packed });
    return true;
  }

  /** Other edges: at once where a link to one is up, otherwise when it is. */
  #elsewhere(): void {
    const { holders } = this.#ways;
    const ready = holders.ready(this.#tunnel, this.#tried);
    if (ready !== undefined && this.#relay(ready)) return;
    holders.reach(this.#tunnel, this.#tried).then(
      (holder) => {
        if (holder === undefined || !this.#relay(holder)) this.#anybody();
      },
      () => this.#anybody(),
    );
  }

  #relay(holder: Holder): boolean {
    if (this.#cancelled) return true;
    const link = this.#ways.holders.linkTo(holder);
    if (link?.available !== true) return false;
    this.#session = undefined;
    this.#holder = holder;
    this.#ways.counters.relayedOut++;
    const tunnel = this.#ways.holders.packed(this.#tunnel);
    this.#caller.openOn(link, { hops: 1, window: this.#ways.memory.grantFirst(link.roundTripMs), tunnel });
    return true;
  }

  /** Nobody else is known to be well: those that have failed, this caller or others, are tried all the same. */
  #anybody(): void {
    if (this.#cancelled) return;
    const { pools, holders } = this.#ways;
    const pool = pools.get(this.#tunnel);
    for (const passedOver of [this.#tried, this.#spent]) {
      const session = this.#mayTryHere ? pool?.pickAny(passedOver) : undefined;
      if (session !== undefined && this.#openHere(session)) return;
      const holder = holders.ready(this.#tunnel, passedOver, 'any');
      if (holder !== undefined && this.#relay(holder)) return;
    }
    // The link to one that may be tried again is gone: perhaps another one can be had.
    holders.reach(this.#tunnel, this.#spent).then(
      (holder) => {
        if (holder === undefined || !this.#relay(holder)) this.#nobody();
      },
      () => this.#nobody(),
    );
  }

  #nobody(): void {
    const { hostname } = this.#caller;
    this.#refuse(this.#failure ?? { code: 'no_agent', reason: `no agent serves ${hostname} at the moment` });
  }

  #refuse(refusal: Refusal): void {
    if (!this.#cancelled) this.#caller.onRefused(refusal);
  }
}

const NOBODY: unknown[] = [];

/** Whether the holder has other agents than the one that a stream has met. */
function hasMore(holder: Holder | undefined): boolean {
  return holder !== undefined && holder.pool.sessions > 1;
}

function isElsewhere(code: number): boolean {
  return code === ResetCode.NotHere || code === ResetCode.Refused || code === ResetCode.Busy;
}

function hasSoundLink(session: Session | undefined, besides: Link | undefined): boolean {
  return session?.links.some((link) => link !== besides && link.available && !link.suspect) === true;
}

/** What a client is told when a stream ended before its answer began. */
export function refusalFor(code: number): Refusal {
  switch (code) {
    case ResetCode.NotDelivered:
      return { code: 'upstream_unreachable', reason: 'the agent cannot reach the service' };
    case ResetCode.UpstreamLost:
      return { code: 'upstream_unreachable', reason: 'the service closed the connection before it answered' };
    case ResetCode.UpstreamProtocol:
      return { code: 'upstream_protocol', reason: 'the service did not answer in proper HTTP' };
    case ResetCode.UpstreamTimeout:
      return { code: 'upstream_timeout', reason: 'the service did not answer in time' };
    case ResetCode.NoRoute:
      return {
        code: 'unknown_hostname',
        reason: 'no rule of the agent leads from this hostname and path to a service',
      };
    case ResetCode.Busy:
      return { code: 'overloaded', reason: 'the agents have as much to do as they take' };
    case ResetCode.NotHere:
    case ResetCode.Refused:
      return { code: 'no_agent', reason: 'no agent takes the request at the moment' };
    default:
      return { code: 'agent_lost', reason: 'the connection to the agent was lost before the answer' };
  }
}
