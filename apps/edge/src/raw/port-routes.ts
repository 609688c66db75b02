import { listen } from '@culvert/lifecycle';
import { PORT_ROUTES, ROUTES_CHANGED } from '@culvert/signals';
import type {
  PortRoutesReply,
  Route,
  RoutesChangedMessage,
  Signals,
  Subscription,
  UnavailableReply,
} from '@culvert/signals';
import type { Logger } from '@culvert/telemetry';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { Admission } from '../entry/admission.ts';
import type { HttpContext } from '../http/http-context.ts';
import { peerOf } from '../entry/peer.ts';
import type { Peer } from '../entry/peer.ts';
import { ProxyHeaderWait } from '../entry/proxy-header-wait.ts';
import { PolicyError } from '../policy/policy.ts';
import { RawConnection } from './raw-connection.ts';
import { readyRoute } from '../delivery/ready-route.ts';
import type { ReadyRoute } from '../delivery/ready-route.ts';
import { askRouters } from '../delivery/router-question.ts';

const REQUEST_TIMEOUT_MS = 2_000;
/** Routes are asked for again after this long even if no signal came, and so are taken ports tried, ms. */
const REFRESH_MS = 30_000;
const NOTHING = Buffer.alloc(0);

interface Bound {
  route: ReadyRoute;
  readonly server: Server;
}

export interface PortRoutesOptions {
  readonly signals: Signals;
  readonly context: HttpContext;
  readonly admission: Admission;
  readonly logger: Logger;
  /** Public address to bind the ports on; empty for all. */
  readonly host: string;
  /** `require`: each connection begins with a header of a trusted proxy. Without it none may: servers may speak first. */
  readonly proxyProtocol: 'require' | 'off';
  readonly sniffTimeoutMs: number;
}

/** Public TCP ports by route: binds each on this edge and passes its connections to the route's tunnel. */
export class PortRoutes {
  readonly #options: PortRoutesOptions;
  readonly #bound = new Map<number, Bound>();
  readonly #failed = new Map<number, string>();
  readonly #subscription: Subscription;
  #timer: NodeJS.Timeout | undefined;
  #refreshing: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  constructor(options: PortRoutesOptions) {
    this.#options = options;
    this.#subscription = options.signals.subscribe(ROUTES_CHANGED, (message) => {
      const change = message as RoutesChangedMessage;
      if (change.ports || change.all) void this.refresh();
    });
    options.signals.onState((state) => state === 'connected' && void this.refresh());
  }

  /** What is wrong with which port, in words. */
  get warnings(): string[] {
    return [...this.#failed.values()];
  }

  get ports(): number[] {
    return [...this.#bound.keys()];
  }

  start(): void {
    this.#timer = setInterval(() => void this.refresh(), REFRESH_MS);
    void this.refresh();
  }

  /** Accepts no more. */
  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#subscription.unsubscribe();
    for (const port of [...this.#bound.keys()]) this.#unbind(port);
  }

  /** Asks for the routes and binds and unbinds what has changed; one run at a time, and one more if asked meanwhile. */
  refresh(): Promise<void> {
    this.#again = this.#refreshing !== undefined;
    this.#refreshing ??= this.#run().finally(() => {
      this.#refreshing = undefined;
      if (this.#again) void this.refresh();
    });
    return this.#refreshing;
  }

  async #run(): Promise<void> {
    let reply: PortRoutesReply | UnavailableReply;
    try {
      reply = await askRouters(this.#options.signals, PORT_ROUTES, {}, REQUEST_TIMEOUT_MS);
    } catch {
      return; // The known ports stay as they are while no router can be asked.
    }
    if ('error' in reply || this.#stopped) return;
    const wanted = new Map(
      reply.routes.flatMap((route) => (route.port === undefined ? [] : [[route.port, route] as const])),
    );
    for (const port of [...this.#bound.keys()]) if (!wanted.has(port)) this.#unbind(port);
    for (const port of [...this.#failed.keys()]) if (!wanted.has(port)) this.#failed.delete(port);
    for (const [port, route] of wanted) await this.#bind(port, route);
  }

  async #bind(port: number, route: Route): Promise<void> {
    const { logger, host, context } = this.#options;
    const bound = this.#bound.get(port);
    let ready: ReadyRoute;
    try {
      ready = readyRoute(route, context.timeouts);
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      return this.#fail('port route passed over', route, error);
    }
    if (bound !== undefined) {
      bound.route = ready;
      this.#failed.delete(port);
      return;
    }
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) =>
      this.#accept(socket, port),
    );
    try {
      await listen(server, { host, port }, `port route ${port}`);
    } catch (error) {
      return this.#fail('port route cannot be bound', route, error);
    }
    this.#failed.delete(port);
    this.#bound.set(port, { route: ready, server });
    logger.info('port route bound', { port, tunnel: route.tunnel });
    if (this.#stopped) this.#unbind(port);
  }

  /** Told once, and with every lease until it is over. */
  #fail(message: string, { port, tunnel }: Route, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    if (!this.#failed.has(port!)) this.#options.logger.warn(message, { port, tunnel, reason });
    this.#failed.set(port!, reason);
  }

  #unbind(port: number): void {
    this.#bound.get(port)?.server.close();
    this.#bound.delete(port);
  }

  #accept(socket: Socket, port: number): void {
    const { admission, context, logger, proxyProtocol, sniffTimeoutMs } = this.#options;
    const bound = this.#bound.get(port);
    const peer = peerOf(socket, context.forwarding.trusted);
    const limited = peer.trusted ? undefined : peer.address;
    if (bound === undefined || context.overload.refusesNew() || !admission.enter(limited)) {
      context.ways.counters.connectionsRefused++;
      socket.resetAndDestroy();
      return;
    }
    context.ways.counters.connections++;
    socket.once('close', () => admission.leave(limited));
    if (proxyProtocol === 'off') return this.#pass(socket, peer, bound.route, NOTHING);
    new ProxyHeaderWait({
      socket,
      peer,
      admission,
      context,
      timeoutMs: sniffTimeoutMs,
      onPeer: (named, first) => this.#pass(socket, named, bound.route, first),
      onGarbage: (reason) => {
        context.ways.counters.garbage++;
        logger.debug('garbage on a port route', { port, client: peer.address, reason });
      },
    });
  }

  #pass(socket: Socket, peer: Peer, route: ReadyRoute, first: Buffer): void {
    const { context } = this.#options;
    const client = context.forwarding.client(peer, 'http');
    new RawConnection({ context, socket, client, hostname: '', first }).startAt(route);
  }
}
