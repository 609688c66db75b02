import type { SessionInfo, SessionsMessage } from '@culvert/signals';

interface Known {
  readonly seq: number;
  readonly session: SessionInfo;
}

/**
 * What is known of one boot of an edge. Messages may be applied in any order: each change counts only where
 * nothing later is known of that session, so that any order ends in the same set.
 */
export class EdgeSessions {
  readonly boot: string;
  readonly #sessions = new Map<string, Known>();
  /** Sessions that ended, while messages from before may still come. */
  readonly #ended = new Map<string, number>();
  /** All messages up to here have been applied or made obsolete by a full one. */
  #low = 0;
  readonly #ahead = new Set<number>();
  #whole = false;
  #suspected = false;

  constructor(boot: string) {
    this.boot = boot;
  }

  sessions(): SessionInfo[] {
    return [...this.#sessions.values()].map(({ session }) => session);
  }

  apply(message: SessionsMessage): void {
    const { seq } = message;
    if (seq <= this.#low || this.#ahead.has(seq)) return;
    if (message.mode === 'all') {
      this.#replace(seq, message.sessions);
    } else {
      for (const session of message.up) this.#add(seq, session);
      for (const id of message.down) this.#end(seq, id);
    }
    this.#ahead.add(seq);
    this.#advance();
  }

  /**
   * Asked with each lease: whether all sessions should be sent again. A gap is given one lease's time, because
   * its message may be on its way.
   */
  needsResync(): boolean {
    if (!this.#whole) return true;
    const gap = this.#ahead.size > 0;
    const resync = gap && this.#suspected;
    this.#suspected = gap;
    return resync;
  }

  #replace(seq: number, sessions: readonly SessionInfo[]): void {
    for (const [id, known] of this.#sessions) if (known.seq < seq) this.#sessions.delete(id);
    for (const [id, ended] of this.#ended) if (ended < seq) this.#ended.delete(id);
    for (const session of sessions) this.#add(seq, session);
    for (const ahead of this.#ahead) if (ahead < seq) this.#ahead.delete(ahead);
    this.#low = seq - 1;
    this.#whole = true;
  }

  #add(seq: number, session: SessionInfo): void {
    if (this.#latest(session.id) >= seq) return;
    this.#ended.delete(session.id);
    this.#sessions.set(session.id, { seq, session });
  }

  #end(seq: number, id: string): void {
    if (this.#latest(id) > seq) return;
    this.#sessions.delete(id);
    this.#ended.set(id, seq);
  }

  #latest(id: string): number {
    return Math.max(this.#sessions.get(id)?.seq ?? 0, this.#ended.get(id) ?? 0);
  }

  #advance(): void {
    while (this.#ahead.delete(this.#low + 1)) this.#low += 1;
    // Nothing is missing, so nothing late can come.
    if (this.#ahead.size === 0) this.#ended.clear();
  }
}
