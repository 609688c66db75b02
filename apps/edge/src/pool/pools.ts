import type { Ejection } from './ejection.ts';
import { Pool } from './pool.ts';
import type { Balance, Session } from './pool.ts';

/** Hears of every session that came, changed or went, after the pools have changed. */
export interface PoolsObserver {
  onSession(session: Session, change: 'up' | 'changed' | 'down'): void;
}

export interface PoolsOptions {
  readonly ejection: Ejection;
  readonly balance: Balance;
  /** Hears of every session that is set aside. */
  readonly onSetAside: (session: Session, code: number, forMs: number) => void;
}

/** The pools of this edge by tunnel. */
export class Pools {
  readonly #pools = new Map<string, Pool>();
  readonly #sessions = new Map<string, Session>();
  readonly #observer: PoolsObserver;
  readonly #options: PoolsOptions;
  #balance: Balance;

  constructor(observer: PoolsObserver, options: PoolsOptions) {
    this.#observer = observer;
    this.#options = options;
    this.#balance = options.balance;
  }

  /** Streams are shared among sessions in this way from now on. */
  balanceBy(balance: Balance): void {
    this.#balance = balance;
    for (const pool of this.#pools.values()) pool.balance = balance;
  }

  get(tunnel: string): Pool | undefined {
    return this.#pools.get(tunnel);
  }

  get sessions(): Iterable<Session> {
    return this.#sessions.values();
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  /** Sessions that are set aside now. */
  get setAside(): number {
    const now = performance.now();
    let count = 0;
    for (const { health } of this.#sessions.values()) if (health.isOut(now)) count++;
    return count;
  }

  /** Sessions that take new streams. */
  get takingCount(): number {
    let count = 0;
    for (const { draining } of this.#sessions.values()) if (!draining) count++;
    return count;
  }

  get tunnels(): Iterable<Pool> {
    return this.#pools.values();
  }

  /** The session of an agent process with this generation, if it is attached. */
  find(tunnel: string, agent: string, generation: number): Session | undefined {
    return this.#pools
      .get(tunnel)
      ?.sessions.find((session) => session.agent === agent && session.generation === generation);
  }

  /** Whether a session with this generation would be one of the past: a newer one is here, or it drains already. */
  isPast(tunnel: string, agent: string, generation: number): boolean {
    for (const session of this.#pools.get(tunnel)?.sessions ?? []) {
      if (session.agent !== agent || session.generation < generation) continue;
      if (session.generation > generation || session.draining) return true;
    }
    return false;
  }

  /** Adds a session and drains the same agent's older ones: the newer takes new streams at once. */
  add(session: Session): void {
    const pool = this.#pools.get(session.tunnel) ?? this.#newPool(session.tunnel);
    pool.sessions.push(session);
    this.#sessions.set(session.id, session);
    for (const older of pool.sessions) {
      if (older.agent === session.agent && older.generation < session.generation) this.drain(older);
    }
    this.#observer.onSession(session, 'up');
  }

  /** A number of links or anything else that others are told has changed. */
  changed(session: Session): void {
    if (this.#sessions.has(session.id)) this.#observer.onSession(session, 'changed');
  }

  drain(session: Session): void {
    if (session.draining) return;
    session.draining = true;
    this.changed(session);
  }

  /** A stream on the session was reset with the code. */
  failed(session: Session, code: number): void {
    const forMs = this.#pools.get(session.tunnel)?.failed(session, code) ?? 0;
    if (forMs > 0) this.#options.onSetAside(session, code, forMs);
  }

  /** A stream on the session was answered; only to be called where there were failures. */
  answered(session: Session): void {
    this.#options.ejection.answered(session.health);
  }

  remove(session: Session): void {
    const pool = this.#pools.get(session.tunnel);
    if (pool === undefined || !this.#sessions.delete(session.id)) return;
    pool.sessions.splice(pool.sessions.indexOf(session), 1);
    if (pool.sessions.length === 0) this.#pools.delete(session.tunnel);
    this.#observer.onSession(session, 'down');
  }

  #newPool(tunnel: string): Pool {
    const pool = new Pool(tunnel, this.#options.ejection, this.#balance);
    this.#pools.set(tunnel, pool);
    return pool;
  }
}
