import type { EdgeInfo, SessionInfo, SessionsMessage } from '@culvert/signals';
import { EdgeSessions } from './edge-sessions.ts';
import type { LeaseOutcome, RegistryTimes } from './registry.ts';

interface Lease {
  readonly info: EdgeInfo;
  readonly known: EdgeSessions;
  /** The boot that this one followed: what still comes from it is late. */
  readonly replaced: string | undefined;
  readonly until: number;
}

/** The edges with a lease, and their sessions. */
export class MemoryEdges {
  readonly #leases = new Map<string, Lease>();
  readonly #times: RegistryTimes;
  readonly #now: () => number;

  constructor(times: RegistryTimes, now: () => number) {
    this.#times = times;
    this.#now = now;
  }

  renew(info: EdgeInfo): LeaseOutcome {
    const lease = this.#running(info.id);
    if (lease?.replaced === info.boot) return 'fenced';
    const sameBoot = lease?.known.boot === info.boot;
    const known = sameBoot ? lease.known : new EdgeSessions(info.boot);
    const replaced = sameBoot ? lease.replaced : lease?.known.boot;
    this.#leases.set(info.id, { info, known, replaced, until: this.#now() + this.#times.leaseTtl });
    return known.needsResync() ? 'resync' : 'renewed';
  }

  end(id: string, boot: string): 'ended' | 'fenced' {
    if (this.#running(id)?.known.boot !== boot) return 'fenced';
    this.#leases.delete(id);
    return 'ended';
  }

  apply(message: SessionsMessage): 'applied' | 'fenced' {
    const lease = this.#running(message.edge);
    if (lease?.known.boot !== message.boot) return 'fenced';
    lease.known.apply(message);
    return 'applied';
  }

  list(): EdgeInfo[] {
    return this.#all().map(({ info }) => info);
  }

  sessions(): SessionInfo[] {
    return this.#all().flatMap(({ known }) => known.sessions());
  }

  sessionsOf(id: string): SessionInfo[] {
    return this.#running(id)?.known.sessions() ?? [];
  }

  #all(): Lease[] {
    const ids = [...this.#leases.keys()].sort();
    return ids.map((id) => this.#running(id)).filter((lease) => lease !== undefined);
  }

  #running(id: string): Lease | undefined {
    const lease = this.#leases.get(id);
    if (lease === undefined || lease.until > this.#now()) return lease;
    this.#leases.delete(id);
    return undefined;
  }
}
