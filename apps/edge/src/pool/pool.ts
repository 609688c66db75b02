import type { Link } from '@culvert/link';
import type { Claims } from '@culvert/signals';
import { packUuid } from '@culvert/wire';
import type { Ejection, Health } from './ejection.ts';

/** How long new streams go to the same link of a session. */
const TURN_MS = 20;

/** One agent's attachment to this edge for one tunnel: one or more links. */
export interface Session {
  readonly id: string;
  readonly tunnel: string;
  readonly agent: string;
  readonly generation: number;
  readonly address: string;
  readonly software: string;
  /** ms since the epoch; for display. */
  readonly since: number;
  readonly digest: string;
  readonly claims: Claims;
  readonly links: Link[];
  readonly health: Health;
  /** Takes no new streams: its agent leaves, or a newer session of the same agent is here. */
  draining: boolean;
  /** Which link took the last stream, and since when (`performance.now()`) it is its turn. */
  turn: number;
  turnedAt: number;
}

/** Which session takes the next stream: each in turn, or the one that has the fewest open. */
export type Balance = 'roundRobin' | 'leastStreams';

/** Sessions that are compared for the fewest streams: more of them make no better choice, but a slower one. */
const MAX_COMPARED = 16;

/** All sessions of one tunnel on this edge. */
export class Pool {
  readonly tunnel: string;
  /** The tunnel's id as it stands in opening frames. */
  readonly packed: string;
  readonly sessions: Session[] = [];
  readonly #ejection: Ejection;
  balance: Balance;
  #turn = 0;
  /** Until when some session is set aside or returns slowly (`performance.now()`); 0 while all are well. */
  #unwellUntil = 0;

  constructor(tunnel: string, ejection: Ejection, balance: Balance = 'roundRobin') {
    this.tunnel = tunnel;
    this.packed = packUuid(tunnel);
    this.#ejection = ejection;
    this.balance = balance;
  }

  /** Sessions that take new streams. */
  get size(): number {
    let size = 0;
    for (const session of this.sessions) if (!session.draining) size++;
    return size;
  }

  /** Whether a session is left that is not set aside and has a sound link. */
  has(tried: readonly unknown[]): boolean {
    const now = this.#clock();
    return this.sessions.some((session) => mayTakeByOne(session, tried) && !session.health.isOut(now));
  }

  /**
   * The next session in turn that can take a stream, has not been set aside and is not among those tried. One link that
   * leaves streams unacknowledged speaks against its agent, and so against the others that lead to it.
   */
  pick(tried: readonly unknown[]): Session | undefined {
    if (this.balance === 'leastStreams') return this.#pickLeast(tried, this.#clock());
    if (this.#unwellUntil !== 0) return this.#pickWell(tried, this.#clock());
    return this.#pickNext(tried, mayTake);
  }

  /** For want of a well one: any session that was not tried and has a link at all, sound ones first. */
  pickAny(tried: readonly unknown[]): Session | undefined {
    return this.#pickNext(tried, mayTakeByOne) ?? this.#pickNext(tried, mightTake);
  }

  /** A stream on the session was reset with the code. Returns for how many ms the session is set aside now, or 0. */
  failed(session: Session, code: number): number {
    const forMs = this.#ejection.failed(session.health, code);
    if (forMs > 0) this.#unwellUntil = Math.max(this.#unwellUntil, session.health.wellAt);
    return forMs;
  }

  #pickNext(tried: readonly unknown[], may: typeof mayTake): Session | undefined {
    const { sessions } = this;
    for (let step = 1; step <= sessions.length; step++) {
      const index = (this.#turn + step) % sessions.length;
      const session = sessions[index]!;
      if (!may(session, tried)) continue;
      this.#turn = index;
      return session;
    }
    return undefined;
  }

  /** As `#pickNext`; those that return slowly take some of their turns only. */
  #pickWell(tried: readonly unknown[], now: number): Session | undefined {
    const { sessions } = this;
    let passedOver: number | undefined;
    for (let step = 1; step <= sessions.length; step++) {
      const index = (this.#turn + step) % sessions.length;
      const session = sessions[index]!;
      if (!mayTake(session, tried) || session.health.isOut(now)) continue;
      if (session.health.takesTurn(now)) {
        this.#turn = index;
        return session;
      }
      passedOver ??= index;
    }
    if (passedOver === undefined) return undefined;
    this.#turn = passedOver;
    return sessions[passedOver];
  }

  #pickLeast(tried: readonly unknown[], now: number): Session | undefined {
    const { sessions } = this;
    let least: Session | undefined;
    let passedOver: Session | undefined;
    let fewest = Infinity;
    let compared = 0;
    for (let step = 1; step <= sessions.length && compared < MAX_COMPARED; step++) {
      const session = sessions[(this.#turn + step) % sessions.length]!;
      if (!mayTake(session, tried) || session.health.isOut(now)) continue;
      const streams = streamsOf(session);
      compared++;
      if (!session.health.takesTurn(now)) {
        passedOver ??= session;
      } else if (streams < fewest) {
        least = session;
        fewest = streams;
      }
    }
    // Of several that have as few, another one leads the next time.
    this.#turn = (this.#turn + 1) % Math.max(sessions.length, 1);
    return least ?? passedOver;
  }

  /** The time for comparing with health; before all times while nothing is to be compared, or all is to be tried. */
  #clock(): number {
    if (this.#unwellUntil === 0) return Infinity;
    const now = performance.now();
    if (now >= this.#unwellUntil) {
      this.#unwellUntil = 0;
      return Infinity;
    }
    let out = 0;
    for (const { health } of this.sessions) if (health.isOut(now)) out++;
    return out * 100 > this.sessions.length * this.#ejection.rules.share ? Infinity : now;
  }
}

function mayTake(session: Session, tried: readonly unknown[]): boolean {
  if (session.draining || tried.includes(session)) return false;
  let isAvailable = false;
  for (const link of session.links) {
    if (link.suspect) return false;
    isAvailable ||= link.available;
  }
  return isAvailable;
}

/** As `mayTake`, also where another link has left streams unacknowledged. */
function mayTakeByOne(session: Session, tried: readonly unknown[]): boolean {
  if (session.draining || tried.includes(session)) return false;
  return session.links.some((link) => link.available && !link.suspect);
}

/** As `mayTake`, also by a link that has left streams unacknowledged. */
function mightTake(session: Session, tried: readonly unknown[]): boolean {
  return !session.draining && !tried.includes(session) && session.links.some((link) => link.available);
}

function streamsOf(session: Session): number {
  let streams = 0;
  for (const link of session.links) streams += link.openStreams;
  return streams;
}

/**
 * The session's link for the next stream: the same one for a few milliseconds, so that the frames of a burst leave
 * and its answers come back in few writes; then the next in turn. Links that have enough to write are passed over,
 * and more so those that have left streams unacknowledged.
 * @param except one that did not do for this stream
 */
export function linkOf(session: Session, except?: Link): Link | undefined {
  const { links } = session;
  const now = performance.now();
  const last = links[session.turn];
  const isInTurn = last !== except && now - session.turnedAt < TURN_MS;
  if (isInTurn && last?.available && !last.congested && !last.suspect) return last;
  session.turnedAt = now;
  let congested: Link | undefined;
  let suspect: Link | undefined;
  for (let step = 1; step <= links.length; step++) {
    const index = (session.turn + step) % links.length;
    const link = links[index]!;
    if (!link.available || link === except) continue;
    if (link.suspect) {
      suspect ??= link;
    } else if (link.congested) {
      congested ??= link;
    } else {
      session.turn = index;
      return link;
    }
  }
  return congested ?? suspect;
}
