import { areAddressesShared, Deadlines, isSuccessor, within, yieldToSuccessor } from '@culvert/lifecycle';
import type { Deadlined, ListenAddress, Service } from '@culvert/lifecycle';
import { StreamMemory } from '@culvert/link';
import type { LiveParts } from '@culvert/settings';
import { TUNNEL_REVOKED } from '@culvert/signals';
import type { EdgeInfo, Signals, TunnelRevokedMessage } from '@culvert/signals';
import { startAdminServer } from '@culvert/telemetry';
import type { AdminServer, Logger, Metrics } from '@culvert/telemetry';
import { GoAwayCode } from '@culvert/wire';
import type { GoAway } from '@culvert/wire';
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { Admission } from './entry/admission.ts';
import { advertised } from './advertised.ts';
import { Announcer } from './pool/announcer.ts';
import { EdgeCounters } from './counters.ts';
import { declareEdgeMetrics } from './edge-metrics.ts';
import { refusalFor } from './delivery/delivery.ts';
import { edgeStatus } from './edge-status.ts';
import type { EdgeStatus } from './edge-status.ts';
import { Ejection } from './pool/ejection.ts';
import { EntryPoint } from './entry/entry-point.ts';
import { EntryPoints } from './entry/entry-points.ts';
import { Holders } from './delivery/holders.ts';
import { Http1Connection } from './http/http1-connection.ts';
import { Http2Connection } from './http/http2-connection.ts';
import type { HttpContext } from './http/http-context.ts';
import { LinkDoor } from './pool/link-door.ts';
import { liveParts, requestRules } from './live-parts.ts';
import { Neighbours } from './peers/neighbours.ts';
import { PeerLinks } from './peers/peer-links.ts';
import { Overload } from './overload.ts';
import { Pacer } from './pace/pacer.ts';
import { peerSecret, peerTls } from './peers/peer-tls.ts';
import { Pools } from './pool/pools.ts';
import { PortRoutes } from './raw/port-routes.ts';
import { RawPipe } from './raw/raw-pipe.ts';
import { readyRoute } from './delivery/ready-route.ts';
import { Resolver } from './delivery/resolver.ts';
import { RetryBudget } from './delivery/retry-budget.ts';
import { SessionGate } from './pool/session-gate.ts';
import { SessionRate } from './pool/session-rate.ts';
import type { EdgeSettings } from './settings.ts';
import { Sniffing } from './entry/sniffing.ts';
import { edgeName, removeSocket, siblingName, siblingSecret, socketFor } from './peers/siblings.ts';
import { hstsValue, withheldFields } from './entry/entry-rules.ts';
import { newTicketKeys } from './tls/ticket-keys.ts';

/** What an edge gets from the process that it runs in. */
export interface EdgeParts {
  readonly signals: Signals;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly version: string;
  /** The start of the edge whose worker this process is, the same for all of them; absent: it is the edge alone. */
  readonly start?: string;
}

export interface RunningEdge extends Service {
  /** What can change while it runs. */
  readonly live: LiveParts<EdgeSettings>;
  readonly addresses: {
    readonly entryPoints: readonly ListenAddress[];
    readonly agents: ListenAddress | undefined;
    readonly peers: ListenAddress | undefined;
    readonly admin: ListenAddress | undefined;
  };
}

/** How long an edge that may not be the only one at its addresses waits for its bus before it takes clients, ms. */
const USE_TIMEOUT_MS = 10_000;

/** How long a connection that says nothing holds up a drain, from when the entry points have closed, ms. */
const FRESH_MS = 500;

const DRAINING: GoAway = { code: GoAwayCode.Draining, retryAfterMs: 0, text: 'this edge is draining' };
const SUCCEEDED: GoAway = {
  code: GoAwayCode.Succeeded,
  retryAfterMs: 0,
  text: 'another process of this edge takes links now',
};

/** How often a drain looks whether the running work has ended, ms. */
const DRAIN_POLL_MS = 50;

/** Starts an edge; when this resolves it listens, and takes work once it has been connected to the signal bus. */
export async function startEdge(settings: EdgeSettings, parts: EdgeParts): Promise<RunningEdge> {
  const edge = new Edge(settings, parts);
  await edge.start();
  return edge;
}

/** The composition root of an edge: what there is, in which order it starts and drains. */
class Edge implements RunningEdge {
  readonly live: LiveParts<EdgeSettings>;
  #settings: EdgeSettings;
  readonly #parts: EdgeParts;
  readonly #boot = randomUUID();
  readonly #counters = new EdgeCounters();
  readonly #deadlines = new Deadlines();
  readonly #memory: StreamMemory;
  readonly #ejection: Ejection;
  readonly #announcer: Announcer;
  readonly #pools: Pools;
  readonly #gate: SessionGate;
  readonly #door: LinkDoor;
  readonly #peerLinks: PeerLinks;
  readonly #holders: Holders;
  readonly #neighbours: Neighbours;
  readonly #resolver: Resolver;
  readonly #context: HttpContext;
  readonly #admission: Admission;
  readonly #entryPoints: EntryPoints;
  readonly #portRoutes: PortRoutes;
  /** Where other processes of this edge reach it. */
  readonly #socket: string | undefined;
  readonly ready: Promise<void>;
  #markReady: () => void = () => undefined;
  #admin: AdminServer | undefined;
  #wasConnected = false;
  #draining: Promise<void> | undefined;

  constructor(settings: EdgeSettings, parts: EdgeParts) {
    const { signals, logger, version } = parts;
    const { limits, secret } = settings;
    const ticketKeys = newTicketKeys(secret?.reveal());
    const live = (): EdgeSettings => this.#settings;
    const self = { id: settings.id, region: settings.region, boot: this.#boot, software: version };
    const secretOfSiblings = siblingSecret(settings.id, secret?.reveal());
    this.#settings = settings;
    this.#parts = parts;
    // Alone on its bus, nobody could hear of it.
    this.#socket = settings.nats === undefined ? undefined : socketFor(self);
    this.#memory = new StreamMemory(limits.buffer, limits.streamBuffer);
    this.#ejection = new Ejection(settings.ejection);
    this.#announcer = new Announcer({
      signals,
      pools: () => this.#pools,
      info: () => this.#info(),
      local: () => this.#door.siblings,
    });
    this.#pools = new Pools(this.#announcer, {
      ejection: this.#ejection,
      balance: settings.balance,
      onSetAside: ({ id: session, tunnel, agent }, code, forMs) => {
        this.#counters.ejections++;
        const reason = refusalFor(code).reason;
        logger.warn('session set aside', { session, tunnel, agent, reason, forMs: Math.round(forMs) });
      },
    });
    this.#gate = new SessionGate({
      edge: { ...self, id: edgeName(settings.id) },
      signals,
      pools: this.#pools,
      counters: this.#counters,
      logger,
      get maxSessions() {
        return live().limits.sessions;
      },
      get maxLinksPerSession() {
        return live().limits.linksPerSession;
      },
      rate: new SessionRate(() => live().limits.sessionRate),
      edges: () => this.#edgesForAgents(),
      draining: () => this.#draining !== undefined,
    });
    this.#peerLinks = new PeerLinks({
      edge: settings.id,
      software: version,
      secret: peerSecret(settings),
      memory: this.#memory,
      get maxStreams() {
        return live().limits.streamsPerLink;
      },
      logger,
      siblingSecret: secretOfSiblings,
      connectTls: peerTls(settings.peers),
    });
    this.#holders = new Holders(signals, this.#peerLinks, self, this.#ejection, (edge) =>
      this.#neighbours.heardAt(edge),
    );
    this.#door = new LinkDoor({
      self,
      get settings() {
        return live();
      },
      gate: this.#gate,
      pools: this.#pools,
      memory: this.#memory,
      counters: this.#counters,
      ticketKeys,
      logger,
      siblings: this.#socket === undefined ? undefined : { path: this.#socket, secret: secretOfSiblings },
      siblingLink: (tunnel) => this.#holders.siblingLink(tunnel),
      onPeers: () => this.#announcer.announceEdge(),
    });
    this.#neighbours = new Neighbours(signals, settings.id, {
      onGone: (edge) => {
        this.#peerLinks.forget(edge);
        this.#holders.forgetEdge(edge);
      },
      onSilent: (edge) => {
        // It may be that only its signals do not come through.
        if (this.#peerLinks.up(edge) === undefined) this.#holders.forgetEdge(edge);
      },
      onHeardAgain: () => this.#holders.forgetFreshness(),
      onSiblingGone: (id, boot) => {
        this.#peerLinks.forget(siblingName(id, boot));
        this.#holders.forgetEdge(siblingName(id, boot));
      },
      onChange: () => this.#door.tellEdges(this.#edgesForAgents()),
    });
    this.#resolver = new Resolver({
      signals,
      ready: (route) => readyRoute(route, this.#context.timeouts),
      onPassedOver: ({ id: route }, reason) => logger.warn('route passed over', { route, reason }),
    });
    this.#context = {
      ways: {
        resolver: this.#resolver,
        pools: this.#pools,
        holders: this.#holders,
        memory: this.#memory,
        counters: this.#counters,
        retryBudget: new RetryBudget(
          {
            get share() {
              return live().retries.share;
            },
            get least() {
              return live().retries.least;
            },
          },
          () => this.#counters.requests + this.#counters.rawStreams,
        ),
      },
      deadlines: this.#deadlines,
      ...requestRules(settings),
      overload: new Overload(limits, (shedding) => {
        if (shedding) logger.warn('overloaded: some of what is new is refused');
        else logger.info('overload over');
      }),
      pacer: new Pacer(),
      edge: { id: settings.id, region: settings.region },
      draining: false,
    };
    this.#admission = new Admission(limits.connections, limits.connectionsPerAddress);
    this.#entryPoints = new EntryPoints(
      (one, { entryPoints, timeouts }) =>
        new EntryPoint({
          ...one,
          tls: one.tls,
          httpsPort: one.redirectToHttps,
          hsts: one.hsts && hstsValue(one.hsts),
          withheld: withheldFields(entryPoints),
          ticketKeys,
          handshakeTimeoutMs: timeouts.handshake,
          context: this.#context,
          admission: this.#admission,
          sniffTimeoutMs: timeouts.sniff,
          logger,
        }),
    );
    this.#portRoutes = new PortRoutes({
      signals,
      context: this.#context,
      admission: this.#admission,
      logger,
      host: settings.entryPoints[0]?.listen.host ?? '',
      get proxyProtocol() {
        return live().portRoutes.proxyProtocol;
      },
      get sniffTimeoutMs() {
        return live().timeouts.sniff;
      },
    });
    declareEdgeMetrics(parts.metrics, {
      counters: this.#counters,
      admission: this.#admission,
      memory: this.#memory,
      overload: this.#context.overload,
      pools: this.#pools,
      resolver: this.#resolver,
      links: () => this.#links(),
      peerLinks: () => this.#peerLinks.links.length,
    });
    this.ready = new Promise((resolve) => (this.#markReady = resolve));
    this.live = liveParts({
      context: this.#context,
      admission: this.#admission,
      memory: this.#memory,
      pools: this.#pools,
      ejection: this.#ejection,
      entryPoints: this.#entryPoints,
      door: this.#door,
      resolver: this.#resolver,
      use: (next) => (this.#settings = next),
      announce: () => {
        this.#announcer.announceEdge();
        this.#door.tellEdges(this.#edgesForAgents());
      },
    });
  }

  get addresses(): RunningEdge['addresses'] {
    return {
      entryPoints: this.#entryPoints.addresses,
      agents: this.#door.agents,
      peers: this.#door.peers,
      admin: this.#admin?.address,
    };
  }

  async start(): Promise<void> {
    const { signals, logger, metrics } = this.#parts;
    const { admin } = this.#settings;
    this.#context.overload.start();
    await this.#door.start();
    await this.#awaitUse();
    await this.#entryPoints.start(this.#settings);
    if (admin !== undefined) {
      this.#admin = await startAdminServer({
        listen: admin.listen,
        metrics,
        logger,
        ready: () => this.#readiness(),
        status: () => this.#status(),
      });
    }
    signals.subscribe(TUNNEL_REVOKED, (message) => {
      const { tunnel, digest } = message as TunnelRevokedMessage;
      this.#gate.revoke(tunnel, digest);
    });
    signals.onState((state) => {
      logger[state === 'connected' ? 'info' : 'warn'](`signals ${state}`);
      if (state === 'connected') this.#onConnected();
    });
    this.#portRoutes.start();
    this.#announcer.start();
    if (signals.state === 'connected') this.#onConnected();
  }

  /**
   * Where another process may be serving at the same addresses, this one must not take its clients before it can look
   * up their hostnames.
   */
  async #awaitUse(): Promise<void> {
    const { signals } = this.#parts;
    if (!isSuccessor() && !areAddressesShared()) return;
    const connected = new Promise<void>((resolve) => {
      if (signals.state === 'connected') return resolve();
      const unwatch = signals.onState((state) => {
        if (state !== 'connected') return;
        unwatch();
        resolve();
      });
    });
    await (isSuccessor() ? connected : within(connected, USE_TIMEOUT_MS));
  }

  /** Before the first time nothing is known of any hostname; what was known once goes on serving. */
  #onConnected(): void {
    this.#holders.forgetFreshness();
    if (this.#wasConnected || this.#draining !== undefined) return;
    this.#wasConnected = true;
    const { id, region } = this.#settings;
    this.#parts.logger.info('ready', { edge: id, region, ...this.addresses });
    this.#markReady();
  }

  #readiness(): true | string {
    if (this.#draining !== undefined) return 'draining';
    return this.#wasConnected || 'the signal bus is unavailable';
  }

  /**
   * Not ready at once, so that balancers look elsewhere while requests are still taken; agents are told to attach
   * elsewhere at the same time. Then the entry points close, what runs finishes, and the edge leaves.
   *
   * With a successor at the same addresses new connections are that one's from now on, and so are the agents; until they
   * are attached there it relays to this process.
   */
  drain(successor?: 'successor'): Promise<void> {
    this.#draining ??= this.#drain(successor !== undefined);
    return this.#draining;
  }

  async #drain(isSucceeded: boolean): Promise<void> {
    const { drainDelay, drainTimeout } = this.#settings;
    const deadline = performance.now() + drainTimeout;
    await Promise.resolve();
    this.#parts.logger.info('draining', {
      requests: this.#counters.requestsOpen,
      links: this.#links().length,
    });
    const notice = isSucceeded ? SUCCEEDED : DRAINING;
    if (isSucceeded) {
      this.#entryPoints.close();
      this.#portRoutes.stop();
      this.#door.closeAgents();
      this.#announcer.leaveLease();
      // What it is asked for once its agents are there.
      for (const { tunnel } of this.#pools.tunnels) this.#holders.reach(tunnel, []).catch(() => undefined);
    } else {
      this.#announcer.announceEdge();
    }
    this.#door.tellDraining(notice);
    // Clients that keep their connections are told so with each answer: few have to be cut when the time has come.
    this.#context.draining = true;
    await wait(drainDelay);
    if (isSucceeded) await this.#yield(deadline);
    // What waits to be accepted is lost with its listener: it is closed right after the loop has looked for it.
    await new Promise(setImmediate);
    this.#entryPoints.close();
    const closedAt = performance.now();
    for (const connection of this.#httpConnections()) connection.drain();
    this.#portRoutes.stop();
    while (this.#busy(closedAt) && performance.now() < deadline) await wait(DRAIN_POLL_MS);
    await this.#leave(notice);
  }

  /** Other edges find agents here until all of them are attached to the successor; then that one takes over this, too. */
  async #yield(deadline: number): Promise<void> {
    while (this.#pools.takingCount > 0 && performance.now() < deadline) await wait(DRAIN_POLL_MS);
    this.#door.closePeers();
    yieldToSuccessor();
  }

  #busy(closedAt: number): boolean {
    if (this.#counters.requestsOpen > 0 || this.#links().some((link) => link.openStreams > 0)) return true;
    if (this.#peerLinks.busy) return true;
    const watched = this.#deadlines.all();
    // Whoever has connected at the last moment is about to ask.
    if (performance.now() - closedAt < FRESH_MS && watched.some((one) => one instanceof Sniffing))
      return true;
    // Nothing runs any more, but slow clients still take the end of their answers.
    return watched.some((one) => isOfClient(one) && one.unsentBytes > 0);
  }

  async #leave(notice: GoAway): Promise<void> {
    for (const link of this.#links()) link.goAway(notice);
    await this.#announcer.leave();
    this.#door.stop();
    this.#peerLinks.stop();
    this.#holders.stop();
    this.#neighbours.stop();
    this.#resolver.stop();
    for (const connection of this.#httpConnections()) connection.socket.destroy();
    this.#deadlines.stop();
    this.#context.overload.stop();
    if (this.#socket !== undefined) removeSocket(this.#socket);
    await this.#admin?.close();
    await this.#parts.signals.close();
  }

  #httpConnections(): (Http1Connection | Http2Connection)[] {
    return this.#deadlines.all().filter(isHttp);
  }

  #links() {
    return [...this.#pools.sessions].flatMap((session) => session.links).concat(this.#door.peerLinks);
  }

  #edgesForAgents() {
    const { agents, id, region } = this.#settings;
    const own = advertised(agents, this.#door.agents);
    const others = this.#neighbours.forAgents;
    // Workers of one edge share its address.
    const elsewhere = others.filter(({ address }) => address !== own);
    return own === undefined || this.#draining !== undefined
      ? elsewhere
      : [{ id: edgeName(id), region, address: own, boot: this.#parts.start ?? this.#boot }, ...elsewhere];
  }

  /** What this edge holds and believes: to be compared with the registry and with other edges. */
  #status(): EdgeStatus {
    return edgeStatus({
      info: this.#info(),
      signals: this.#parts.signals.state,
      pools: this.#pools,
      holders: this.#holders,
      neighbours: this.#neighbours,
    });
  }

  #info(): EdgeInfo {
    const { id, region, agents, peers } = this.#settings;
    const agentsAddress = advertised(agents, this.#door.agents);
    const peersAddress = advertised(peers, this.#door.peers);
    return {
      id,
      region,
      boot: this.#boot,
      ...(this.#parts.start === undefined ? {} : { start: this.#parts.start }),
      ...(peersAddress === undefined ? {} : { peers: peersAddress }),
      ...(agentsAddress === undefined ? {} : { agents: agentsAddress }),
      draining: this.#draining !== undefined,
      load: {
        sessions: this.#pools.sessionCount,
        streams: this.#counters.requestsOpen,
        connections: this.#admission.open,
      },
      warnings: this.#portRoutes.warnings,
    };
  }
}

function isHttp(watched: Deadlined): watched is Http1Connection | Http2Connection {
  return watched instanceof Http1Connection || watched instanceof Http2Connection;
}

function isOfClient(watched: Deadlined): watched is Http1Connection | Http2Connection | RawPipe {
  return isHttp(watched) || watched instanceof RawPipe;
}
