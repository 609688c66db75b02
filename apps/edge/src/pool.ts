import type { Link } from '@culvert/link';
import type { Claims } from '@culvert/signals';
import { packUuid } from '@culvert/wire';

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
  /** Takes no new streams: its agent leaves, or a newer session of the same agent is here. */
  draining: boolean;
  /** Which link took the last stream, and since when (`performance.now()`) it is its turn. */
  turn: number;
  turnedAt: number;
}

/** All sessions of one tunnel on this edge. */
export class Pool {
  readonly tunnel: string;
  /** The tunnel's id as it stands in opening frames. */
  readonly packed: string;
  readonly sessions: Session[] = [];
  #turn = 0;

  constructor(tunnel: string) {
    this.tunnel = tunnel;
    this.packed = packUuid(tunnel);
  }

  /** Sessions that take new streams. */
  get size(): number {
    let size = 0;
    for (const session of this.sessions) if (!session.draining) size++;
    return size;
  }

  /** Whether `pick` would find a session, without taking a turn. */
  has(tried: readonly unknown[]): boolean {
    return this.sessions.some((session) => !session.draining && !tried.includes(session) && hasLink(session));
  }

  /** The next session in turn that can take a stream and is not among those tried. */
  pick(tried: readonly unknown[]): Session | undefined {
    const { sessions } = this;
    for (let step = 1; step <= sessions.length; step++) {
      const index = (this.#turn + step) % sessions.length;
      const session = sessions[index]!;
      if (session.draining || tried.includes(session) || !hasLink(session)) continue;
      this.#turn = index;
      return session;
    }
    return undefined;
  }
}

function hasLink(session: Session): boolean {
  for (const link of session.links) if (link.available) return true;
  return false;
}

/**
 * The session's link for the next stream: the same one for a few milliseconds, so that the frames of a burst leave
 * and its answers come back in few writes; then the next in turn. Links that have enough to write are passed over.
 */
export function linkOf(session: Session): Link | undefined {
  const { links } = session;
  const now = performance.now();
  const last = links[session.turn];
  if (last?.available && !last.congested && now - session.turnedAt < TURN_MS) return last;
  session.turnedAt = now;
  let congested: Link | undefined;
  for (let step = 1; step <= links.length; step++) {
    const index = (session.turn + step) % links.length;
    const link = links[index]!;
    if (!link.available) continue;
    if (!link.congested) {
      session.turn = index;
      return link;
    }
    congested ??= link;
  }
  return congested;
}
