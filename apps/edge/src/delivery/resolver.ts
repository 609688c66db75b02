import { coarseNow } from '@culvert/lifecycle';
import {
  HostnamePatternError,
  PathPatternError,
  RouteTable,
  covers,
  parseHostnamePattern,
} from '@culvert/routing';
import { RESOLVE, ROUTES_CHANGED } from '@culvert/signals';
import type { HostRoutes, HostnamePattern } from '@culvert/routing';
import type {
  ResolveReply,
  ResolveRequest,
  Route,
  RoutesChangedMessage,
  Signals,
  Subscription,
} from '@culvert/signals';
import { PolicyError } from '../policy/policy.ts';
import type { ReadyRoute } from './ready-route.ts';
import { askRouters } from './router-question.ts';

/** Hostnames remembered, whether they exist or not; the one asked for longest ago goes first. */
const MAX_NAMES = 100_000;
/** A found name is asked for again after this long even if no signal came, ms. */
const FRESH_FOUND_MS = 60_000;
/** The same for names that do not exist. */
const FRESH_UNKNOWN_MS = 10_000;
const REQUEST_TIMEOUT_MS = 2_000;
/** How long a request waits for a fresh answer where an old one is at hand, ms: routers may hang. */
const AGED_PATIENCE_MS = 250;
/** The same where the old answer may well be wrong: something has changed since. */
const CHANGED_PATIENCE_MS = 1_000;

interface Entry {
  readonly routes: HostRoutes<ReadyRoute>;
  /** Whether there are any. */
  readonly exists: boolean;
  /** On the coarse clock, 0 after a change; past it the routes are asked for again, and serve while nobody answers. */
  freshUntil: number;
}

export interface ResolverOptions {
  readonly signals: Signals;
  /** Reads a route. Throws PolicyError for one that cannot be followed. */
  readonly ready: (route: Route) => ReadyRoute;
  /** A route cannot be used here, and the others of its hostname go on without it. */
  readonly onPassedOver: (route: Route, reason: string) => void;
}

/** Where hostnames lead, as far as this edge has asked. Stale answers serve while the routers are away. */
export class Resolver {
  readonly #options: ResolverOptions;
  /** In the order in which they were asked for. */
  readonly #entries = new Map<string, Entry>();
  readonly #asking = new Map<string, Promise<HostRoutes<ReadyRoute>>>();
  /** Hostnames being asked for that a change was heard of meanwhile: their answer may be older than that. */
  readonly #overtaken = new Set<string>();
  readonly #subscription: Subscription;

  constructor(options: ResolverOptions) {
    const { signals } = options;
    this.#options = options;
    this.#subscription = signals.subscribe(ROUTES_CHANGED, (message) =>
      this.#invalidate(message as RoutesChangedMessage),
    );
    // Signals may have been missed while disconnected.
    signals.onState((state) => state === 'connected' && this.forgetFreshness());
  }

  get size(): number {
    return this.#entries.size;
  }

  /** What is known and fresh; undefined when it must be asked for. */
  known(hostname: string): HostRoutes<ReadyRoute> | undefined {
    const entry = this.#entries.get(hostname);
    return entry !== undefined && entry.freshUntil > coarseNow() ? entry.routes : undefined;
  }

  /** Everything is asked for again, and serves while nobody answers. */
  forgetFreshness(): void {
    this.#invalidate({ hostnames: [], ports: false, all: true });
  }

  /**
   * Asks a router, once for all that wait for the same name; what is known already serves when the answer is not there
   * soon. Rejects when nobody answers and nothing is known.
   */
  resolve(hostname: string): Promise<HostRoutes<ReadyRoute>> {
    const asking = this.#asking.get(hostname) ?? this.#begin(hostname);
    const known = this.#entries.get(hostname);
    return known?.exists === true ? soon(asking, known) : asking;
  }

  stop(): void {
    this.#subscription.unsubscribe();
  }

  #begin(hostname: string): Promise<HostRoutes<ReadyRoute>> {
    const asking = this.#ask(hostname).finally(() => this.#asking.delete(hostname));
    this.#asking.set(hostname, asking);
    return asking;
  }

  async #ask(hostname: string): Promise<HostRoutes<ReadyRoute>> {
    const request: ResolveRequest = { hostname };
    try {
      const { signals } = this.#options;
      const reply = await askRouters<ResolveReply>(signals, RESOLVE, request, REQUEST_TIMEOUT_MS);
      if ('error' in reply) throw new ResolveError(hostname);
      return this.#remember(hostname, reply.routes, this.#overtaken.has(hostname) ? 'stale' : 'fresh');
    } catch (error) {
      const stale = this.#entries.get(hostname);
      if (stale === undefined) throw error;
      stale.freshUntil = coarseNow() + FRESH_UNKNOWN_MS;
      return stale.routes;
    } finally {
      this.#overtaken.delete(hostname);
    }
  }

  #remember(hostname: string, routes: readonly Route[], state: 'fresh' | 'stale'): HostRoutes<ReadyRoute> {
    const freshFor = routes.length === 0 ? FRESH_UNKNOWN_MS : FRESH_FOUND_MS;
    const freshUntil = state === 'fresh' ? coarseNow() + freshFor : 0;
    const entry = { routes: this.#ready(hostname, routes), exists: routes.length > 0, freshUntil };
    this.#entries.delete(hostname);
    this.#entries.set(ownText(hostname), entry);
    if (this.#entries.size > MAX_NAMES) this.#entries.delete(this.#entries.keys().next().value!);
    return entry.routes;
  }

  /** Routes come in no order: which of two equals wins must be the same at every edge. */
  #ready(hostname: string, routes: readonly Route[]): HostRoutes<ReadyRoute> {
    const table = new RouteTable<ReadyRoute>();
    for (const route of routes.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
      if (route.hostname === undefined) continue;
      try {
        table.add(route.hostname, route.path, this.#options.ready(route));
      } catch (error) {
        // One route that this edge cannot read must not take its hostname's others along.
        if (!isUnreadable(error)) throw error;
        this.#options.onPassedOver(route, error.message);
      }
    }
    return table.routesOf(hostname);
  }

  /** Stale from now on, but still there to serve if no router can be asked. */
  #invalidate(change: RoutesChangedMessage): void {
    const patterns = change.hostnames.flatMap(patternOf);
    // Single names are the rule, and there may be many: they are not looked for among all that is remembered.
    const wide = change.all ? EVERYTHING : patterns.filter(({ reach }) => reach !== 'name');
    for (const { reach, name } of patterns) if (reach === 'name') this.#outdate(name);
    if (wide.length === 0) return;
    for (const hostname of [...this.#entries.keys(), ...this.#asking.keys()]) {
      if (wide.some((pattern) => covers(pattern, hostname))) this.#outdate(hostname);
    }
  }

  #outdate(hostname: string): void {
    const entry = this.#entries.get(hostname);
    if (entry !== undefined) entry.freshUntil = 0;
    if (this.#asking.has(hostname)) this.#overtaken.add(hostname);
  }
}

/** The answer, or what is known once it takes too long; until the answer is there nobody else waits for it then. */
function soon(asking: Promise<HostRoutes<ReadyRoute>>, known: Entry): Promise<HostRoutes<ReadyRoute>> {
  return new Promise((resolve, reject) => {
    const patience = known.freshUntil === 0 ? CHANGED_PATIENCE_MS : AGED_PATIENCE_MS;
    const timer = setTimeout(() => {
      known.freshUntil = coarseNow() + REQUEST_TIMEOUT_MS;
      resolve(known.routes);
    }, patience);
    asking.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

const EVERYTHING: readonly HostnamePattern[] = [{ reach: 'any', name: '' }];

/** None for what this edge cannot read: it knows no route of such a pattern either. */
function patternOf(text: string): HostnamePattern[] {
  try {
    return [parseHostnamePattern(text)];
  } catch (error) {
    if (error instanceof HostnamePatternError) return [];
    throw error;
  }
}

/** A router answered that it cannot say. */
export class ResolveError extends Error {
  readonly hostname: string;

  constructor(hostname: string, options?: ErrorOptions) {
    super(`no router could resolve ${JSON.stringify(hostname)}`, options);
    this.name = 'ResolveError';
    this.hostname = hostname;
  }
}

/** A string of its own: a slice would keep the request head alive that it was cut from. */
function ownText(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

function isUnreadable(error: unknown): error is Error {
  return (
    error instanceof HostnamePatternError || error instanceof PathPatternError || error instanceof PolicyError
  );
}
