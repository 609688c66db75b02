import type { RouteRecord, TokenRecord } from '@culvert/registry';
import { RESYNC, ROUTES_CHANGED, TUNNEL_REVOKED } from '@culvert/signals';
import type { RoutesChangedMessage, Signals, TunnelRevokedMessage } from '@culvert/signals';

/** More hostnames than this are announced as a change of everything: the message must stay small. */
const MOST_HOSTNAMES = 1_000;
/** After a change was told, those of this long are told together, ms: a storm of claims becomes a few messages. */
const GATHER_MS = 50;
/** Revocations that wait for the bus to come back; those beyond are lost to edges that ask nobody again. */
const MOST_WAITING = 10_000;

/**
 * What routers tell all edges, and each other. What happens while the bus is away is told when it is back.
 */
export class Announcements {
  readonly #signals: Signals;
  readonly #unwatch: () => void;
  #missedChanges = false;
  #missedResync = false;
  /** Changes since the last message, and what ends the time in which they are gathered. */
  #gathered: RouteRecord[] = [];
  #gathering: NodeJS.Timeout | undefined;
  #missedRevocations: TunnelRevokedMessage[] = [];

  constructor(signals: Signals) {
    this.#signals = signals;
    this.#unwatch = signals.onState((state) => {
      if (state === 'connected') this.#makeUp();
    });
  }

  routesChanged(records: readonly RouteRecord[]): void {
    if (records.length === 0) return;
    if (this.#gathering === undefined) {
      this.#gathering = setTimeout(() => this.#sendGathered(), GATHER_MS);
      return this.#tell(records);
    }
    // Beyond that it becomes a change of everything, whatever else comes.
    if (this.#gathered.length <= MOST_HOSTNAMES) this.#gathered.push(...records);
  }

  #sendGathered(): void {
    this.#gathering = undefined;
    const gathered = this.#gathered;
    this.#gathered = [];
    this.routesChanged(gathered);
  }

  #tell(records: readonly RouteRecord[]): void {
    const hostnames = records.map(({ route }) => route.hostname).filter((hostname) => hostname !== undefined);
    if (hostnames.length > MOST_HOSTNAMES) return this.allRoutesChanged();
    const ports = records.some(({ route }) => route.port !== undefined);
    this.#changed({ hostnames: [...new Set(hostnames)], ports, all: false });
  }

  allRoutesChanged(): void {
    this.#changed({ hostnames: [], ports: true, all: true });
  }

  /** The sessions of the tunnel end; with a digest, those that were admitted with this token. */
  revoked(tunnel: string, digest?: string): void {
    const message: TunnelRevokedMessage = { tunnel, ...(digest === undefined ? {} : { digest }) };
    if (this.#signals.state === 'connected') this.#signals.publish(TUNNEL_REVOKED, message);
    else if (this.#missedRevocations.length < MOST_WAITING) this.#missedRevocations.push(message);
  }

  /** Ends the sessions that a token was good for in these tunnels. */
  tokenRevoked(token: TokenRecord, tunnels: Iterable<string>): void {
    for (const tunnel of tunnels) this.revoked(tunnel, token.digest);
  }

  /** Edges send their leases and sessions again. */
  resync(): void {
    if (this.#signals.state === 'connected') this.#signals.publish(RESYNC, {});
    else this.#missedResync = true;
  }

  close(): void {
    clearTimeout(this.#gathering);
    if (this.#gathered.length > 0) this.#tell(this.#gathered);
    this.#unwatch();
  }

  #changed(message: RoutesChangedMessage): void {
    if (this.#signals.state === 'connected') this.#signals.publish(ROUTES_CHANGED, message);
    else this.#missedChanges = true;
  }

  #makeUp(): void {
    const [changes, resync, revocations] = [this.#missedChanges, this.#missedResync, this.#missedRevocations];
    this.#missedChanges = false;
    this.#missedResync = false;
    this.#missedRevocations = [];
    if (changes) this.allRoutesChanged();
    for (const { tunnel, digest } of revocations) this.revoked(tunnel, digest);
    if (resync) this.resync();
  }
}
