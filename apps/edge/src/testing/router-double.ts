import {
  AUTHENTICATE,
  EDGE_BYE,
  EDGE_LEASE,
  MemorySignals,
  PORT_ROUTES,
  RESOLVE,
  ROUTES_CHANGED,
} from '@culvert/signals';
import { SESSIONS, TUNNEL_REVOKED } from '@culvert/signals';
import type { AuthenticateReply, AuthenticateRequest, EdgeInfo, MemoryBus, Route } from '@culvert/signals';
import type { RoutesChangedMessage, SessionsMessage, Subscription } from '@culvert/signals';

export const TUNNEL = '4d21094e-b74c-4916-86c1-d9fa36ea677b';
export const OTHER_TUNNEL = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
export const HOSTNAME = 'app.test';
export const TOKEN = 'secret-token';

/** Answers what edges ask as a test wants it, and remembers what they said. */
export class RouterDouble {
  routes: Route[] = [{ id: 'r1', tunnel: TUNNEL, hostname: HOSTNAME }];
  authenticate: (request: AuthenticateRequest) => AuthenticateReply | Promise<AuthenticateReply> = () => ({
    allow: true,
    tunnelName: 'shop',
  });
  /** Called before a hostname's routes are looked up; awaited. */
  onResolve: (hostname: string) => Promise<void> | undefined = () => undefined;
  /** Whether a lease is answered with the wish for all sessions. */
  resync = false;
  /** Hostnames in the order they were asked for. */
  readonly resolved: string[] = [];
  readonly authenticated: AuthenticateRequest[] = [];
  readonly leases: EdgeInfo[] = [];
  readonly byes: { readonly id: string; readonly boot: string }[] = [];
  readonly sessions: SessionsMessage[] = [];
  readonly signals: MemorySignals;
  #answers: Subscription[] = [];

  constructor(bus: MemoryBus) {
    this.signals = new MemorySignals(bus);
    this.signals.subscribe(SESSIONS, (message) => this.sessions.push(message as SessionsMessage));
    this.comeBack();
  }

  /** Nobody answers any more. */
  goAway(): void {
    for (const answer of this.#answers.splice(0)) answer.unsubscribe();
  }

  comeBack(): void {
    this.#answers = [
      this.signals.respond(RESOLVE, (message) => this.#resolve((message as { hostname: string }).hostname)),
      this.signals.respond(AUTHENTICATE, (message) => {
        this.authenticated.push(message as AuthenticateRequest);
        return this.authenticate(message as AuthenticateRequest);
      }),
      this.signals.respond(PORT_ROUTES, () => ({
        routes: this.routes.filter((route) => route.port !== undefined),
      })),
      this.signals.respond(EDGE_LEASE, (message) => {
        this.leases.push(message as EdgeInfo);
        return { resync: this.resync };
      }),
      this.signals.respond(EDGE_BYE, (message) => {
        this.byes.push(message as { id: string; boot: string });
        return {};
      }),
    ];
  }

  /** Routes are what they are set to from now on; edges are told. */
  change(routes: Route[], change: Partial<RoutesChangedMessage> = { all: true }): void {
    this.routes = routes;
    this.signals.publish(ROUTES_CHANGED, { hostnames: [], ports: false, all: false, ...change });
  }

  revoke(tunnel: string, digest?: string): void {
    this.signals.publish(TUNNEL_REVOKED, { tunnel, ...(digest === undefined ? {} : { digest }) });
  }

  async #resolve(hostname: string): Promise<{ routes: Route[] }> {
    this.resolved.push(hostname);
    const routes = this.routes.filter((route) => route.hostname === hostname);
    await this.onResolve(hostname);
    return { routes };
  }
}
