import { RegistryDownError } from '@culvert/registry';
import {
  AUTHENTICATE,
  EDGE_BYE,
  EDGE_LEASE,
  PORT_ROUTES,
  RESOLVE,
  ROUTER_QUEUE,
  ROUTES_CHANGED,
  SESSIONS,
  TUNNEL_REVOKED,
  everyRouter,
} from '@culvert/signals';
import type {
  RoutesChangedMessage,
  Signals,
  Subscription,
  TunnelRevokedMessage,
  UnavailableReply,
} from '@culvert/signals';
import type { Admission } from './admission.ts';
import {
  authenticateRequest,
  edgeBye,
  edgeInfo,
  MalformedMessageError,
  resolveHostname,
  sessionsMessage,
} from './incoming.ts';
import type { Presence } from './presence.ts';
import type { Resolution } from './resolution.ts';
import type { Snapshot } from './snapshot.ts';

export interface ResponderParts {
  readonly signals: Signals;
  readonly resolution: Resolution;
  readonly admission: Admission;
  readonly presence: Presence;
  readonly snapshot: Snapshot;
}

/** Answers edges as one of the group of routers. Counts what it has been asked. */
export class Responders {
  readonly #signals: Signals;
  readonly #subscriptions: Subscription[] = [];
  readonly #running = new Set<Promise<unknown>>();
  /** Messages handled so far, by subject. */
  readonly handled = new Map<string, number>();

  constructor({ signals, resolution, admission, presence, snapshot }: ResponderParts) {
    this.#signals = signals;
    this.#respondAlso(RESOLVE, (message) => {
      const hostname = resolveHostname(message);
      // What cannot be a hostname leads nowhere; that is an answer, too.
      return hostname === undefined ? { routes: [] } : resolution.resolve(hostname);
    });
    this.#respondAlso(PORT_ROUTES, () => resolution.ports());
    this.#respondAlso(
      AUTHENTICATE,
      checked(AUTHENTICATE, authenticateRequest, (request) => admission.authenticate(request)),
    );
    this.#respondAlso(
      EDGE_LEASE,
      checked(EDGE_LEASE, edgeInfo, (edge) => presence.lease(edge)),
    );
    this.#respond(
      EDGE_BYE,
      checked(EDGE_BYE, edgeBye, (bye) => presence.bye(bye)),
    );
    this.#respond(
      SESSIONS,
      checked(SESSIONS, sessionsMessage, (sessions) => presence.sessions(sessions)),
    );
    // Routers tell each other; every one of them listens.
    this.#listen(ROUTES_CHANGED, (message) => snapshot.routesChanged(message as RoutesChangedMessage));
    this.#listen(TUNNEL_REVOKED, (message) => snapshot.revoked(message as TunnelRevokedMessage));
  }

  /** Leaves the group and finishes what has come in. */
  async drain(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    await Promise.allSettled(this.#running);
  }

  /** Also where every router is asked, not one of them. */
  #respondAlso(subject: string, handler: (message: unknown) => unknown): void {
    const answer = this.#respond(subject, handler);
    this.#subscriptions.push(this.#signals.respond(everyRouter(subject), answer));
  }

  #respond(subject: string, handler: (message: unknown) => unknown): (message: unknown) => unknown {
    this.handled.set(subject, 0);
    const track = (message: unknown): unknown => {
      this.handled.set(subject, (this.handled.get(subject) ?? 0) + 1);
      const running = orUnavailable(async () => handler(message));
      this.#running.add(running);
      return running.finally(() => this.#running.delete(running));
    };
    this.#subscriptions.push(this.#signals.respond(subject, track, { queue: ROUTER_QUEUE }));
    return track;
  }

  #listen(subject: string, handler: (message: unknown) => void): void {
    this.#subscriptions.push(this.#signals.subscribe(subject, handler));
  }
}

/** Said rather than left unanswered: whoever asks would wait for nothing. */
async function orUnavailable(answer: () => Promise<unknown>): Promise<unknown> {
  try {
    return await answer();
  } catch (error) {
    if (!(error instanceof RegistryDownError)) throw error;
    return { error: 'registry_unavailable' } satisfies UnavailableReply;
  }
}

function checked<T>(
  subject: string,
  check: (message: unknown) => T | undefined,
  handler: (message: T) => unknown,
): (message: unknown) => unknown {
  return (message) => {
    const valid = check(message);
    if (valid === undefined) throw new MalformedMessageError(subject);
    return handler(valid);
  };
}
