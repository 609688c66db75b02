import { Announcer, Ejection, Health, Neighbours, Pools, Resolver } from '@culvert/edge/simulation';
import type { Session } from '@culvert/edge/simulation';
import { AUTHENTICATE, poolOf } from '@culvert/signals';
import type { AuthenticateReply, AuthenticateRequest, EdgeInfo } from '@culvert/signals';
import { connectNats } from '@culvert/signals-nats';
import type { NatsSignals } from '@culvert/signals-nats';
import { randomUUID } from 'node:crypto';
import { SHARED_DIGEST } from './population.ts';

const AUTHENTICATE_TIMEOUT_MS = 3_000;

/** An agent that wants to attach. */
export interface Arrival {
  readonly tunnel: string;
  readonly hostnames: readonly string[];
}

/** One edge as the control plane sees it: the real code for leases, sessions, pools and names, over its own NATS connection. */
export class SimulatedEdge {
  readonly id: string;
  readonly signals: NatsSignals;
  readonly resolver: Resolver;
  /** Admissions that were not answered and asked for again. */
  repeated = 0;
  readonly #boot = randomUUID();
  readonly #region: string;
  readonly #pools: Pools;
  readonly #announcer: Announcer;
  readonly #neighbours: Neighbours;

  constructor(id: string, region: string, nats: string) {
    this.id = id;
    this.#region = region;
    this.signals = connectNats({ servers: nats, prefix: 'culvert', name: id });
    this.#announcer = new Announcer({
      signals: this.signals,
      pools: () => this.#pools,
      info: () => this.#info(),
    });
    this.#pools = new Pools(this.#announcer, {
      // No stream is ever opened here, so nothing fails.
      ejection: new Ejection({ failures: 1, base: 0, most: 0, share: 0 }),
      balance: 'roundRobin',
      onSetAside: () => undefined,
    });
    this.#neighbours = new Neighbours(this.signals, id, {
      onGone: () => undefined,
      onSilent: () => undefined,
      onHeardAgain: () => undefined,
      onSiblingGone: () => undefined,
      onChange: () => undefined,
    });
    this.resolver = new Resolver({
      signals: this.signals,
      ready: ({ tunnel }) => ({ tunnel, passesTls: false, policy: undefined }),
      onPassedOver: () => undefined,
    });
  }

  get sessions(): Iterable<Session> {
    return this.#pools.sessions;
  }

  get sessionCount(): number {
    return this.#pools.sessionCount;
  }

  async start(): Promise<void> {
    while (this.signals.state !== 'connected') await new Promise((resolve) => setTimeout(resolve, 10));
    this.#announcer.start();
  }

  /** Follows a tunnel's pools at other edges, as an edge does that relays to them. */
  follow(tunnel: string): void {
    this.signals.subscribe(poolOf(tunnel), () => undefined);
  }

  /** Asks a router as the real edge does, until it is answered. */
  async attach(arrival: Arrival): Promise<Session> {
    const request: AuthenticateRequest = {
      edge: this.id,
      tunnel: arrival.tunnel,
      digest: SHARED_DIGEST,
      claims: { hostnames: arrival.hostnames, ports: [] },
    };
    for (;;) {
      const reply = await this.signals
        .request(AUTHENTICATE, request, { timeoutMs: AUTHENTICATE_TIMEOUT_MS })
        .catch(() => undefined);
      const answer = reply as AuthenticateReply | undefined;
      if (answer?.allow === true) break;
      if (answer?.allow === false) throw new RefusedError(answer.message);
      this.repeated += 1;
    }
    const session = sessionOf(arrival);
    this.#pools.add(session);
    return session;
  }

  detach(session: Session): void {
    this.#pools.remove(session);
  }

  async stop(): Promise<void> {
    this.#neighbours.stop();
    this.resolver.stop();
    await this.#announcer.leave();
    await this.signals.close();
  }

  #info(): EdgeInfo {
    return {
      id: this.id,
      region: this.#region,
      boot: this.#boot,
      peers: `${this.id}.edges.example.com:7001`,
      agents: `${this.id}.edges.example.com:7000`,
      draining: false,
      load: { sessions: this.#pools.sessionCount, streams: 0, connections: 0 },
      warnings: [],
    };
  }
}

/** The simulation's own records are not as the router wants them. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

function sessionOf({ tunnel, hostnames }: Arrival): Session {
  return {
    id: randomUUID(),
    tunnel,
    agent: randomUUID(),
    generation: 1,
    address: '203.0.113.77:51234',
    software: 'culvert/0.1.0',
    since: Date.now(),
    digest: SHARED_DIGEST,
    claims: { hostnames, ports: [] },
    links: [],
    draining: false,
    turn: 0,
    turnedAt: 0,
    health: new Health(),
  };
}
