import { Deadlines } from '@culvert/lifecycle';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { DEFAULT_HEAD_LIMITS } from '@culvert/http1';
import type { ListenAddress, Service } from '@culvert/lifecycle';
import { INITIAL_WINDOW_BYTES, StreamMemory, type LinkRefusedError } from '@culvert/link';
import { formatEdgeAddress, type LiveParts } from '@culvert/settings';
import { Metrics, startAdminServer, type AdminServer, type Logger } from '@culvert/telemetry';
import type { AgentHello } from '@culvert/wire';
import { declareAgentMetrics } from './agent-metrics.ts';
import { agentStatus } from './agent-status.ts';
import { Attachments } from './attachments.ts';
import type { EdgeTrust } from './attach/edge-connector.ts';
import { EdgeList } from './attach/edge-list.ts';
import { LinkSupervisor } from './attach/link-supervisor.ts';
import { Surroundings } from './attach/surroundings.ts';
import { AgentCounters } from './counters.ts';
import { liveParts } from './live-parts.ts';
import { Services } from './services.ts';
import type { AgentSettings } from './settings.ts';
import { StreamServer } from './streams/stream-server.ts';

/** What an agent gets from the process that it runs in. */
export interface AgentParts {
  readonly logger: Logger;
  /** Where the agent declares its metrics; absent: its own. */
  readonly metrics?: Metrics;
  /** Of the software, for people. */
  readonly version?: string;
  /** A link was attached to the edge of that name. */
  readonly onAttached?: (edge: string) => void;
  /** An edge refused a link; it is dialled again, later or elsewhere. */
  readonly onRefused?: (error: LinkRefusedError) => void;
  /** A number in [0, 1), so that tests decide. */
  readonly random?: () => number;
}

/** An agent that keeps its links until it is drained. */
export interface RunningAgent extends Service {
  /** Resolves with the first link; never, when there is none before the drain. */
  readonly attached: Promise<void>;
  /** Links that take streams. */
  readonly links: number;
  readonly counters: Readonly<AgentCounters>;
  /** Where the admin server listens, if there is one. */
  readonly admin: ListenAddress | undefined;
  /** What can change while it runs. */
  readonly live: LiveParts<AgentSettings>;
  /** Takes no new streams, lets the running ones finish within the settings' time, closes everything. */
  drain(): Promise<void>;
  readonly closed: Promise<void>;
}

/** The authorities that vouch for edges cannot be read. */
export class AuthorityFileError extends Error {
  readonly file: string;

  constructor(file: string, cause: NodeJS.ErrnoException) {
    super(`ca: cannot read ${file}: ${cause.code ?? cause.message}`, { cause });
    this.name = 'AuthorityFileError';
    this.file = file;
  }
}

/**
 * Starts an agent. Resolves when it has begun to dial; whether an edge can be reached shows later.
 * @throws AuthorityFileError or what listening on the admin address throws
 */
export async function startAgent(settings: AgentSettings, parts: AgentParts): Promise<RunningAgent> {
  const agent = new Agent(settings, parts);
  await agent.start();
  return agent;
}

class Agent implements RunningAgent {
  readonly counters = new AgentCounters();
  readonly attached: Promise<void>;
  readonly closed: Promise<void>;
  readonly live: LiveParts<AgentSettings>;
  readonly #parts: AgentParts;
  readonly #surroundings = new Surroundings({
    onSlept: () => this.#attachments.onSlept(),
    onAddresses: (came, gone) => this.#attachments.onAddresses(came, gone),
  });
  /** This process, as edges know it. */
  readonly #agent = randomUUID();
  readonly #deadlines = new Deadlines();
  readonly #attachments = new Attachments();
  #settings: AgentSettings;
  #trust: EdgeTrust = {};
  #services: Services;
  #server: StreamServer;
  #admin: AdminServer | undefined;
  #draining: Promise<void> | undefined;
  #isReady = false;
  #markAttached: () => void = () => undefined;
  #markClosed: () => void = () => undefined;

  constructor(settings: AgentSettings, parts: AgentParts) {
    this.#settings = settings;
    this.#parts = parts;
    this.attached = new Promise((resolve) => (this.#markAttached = resolve));
    this.closed = new Promise((resolve) => (this.#markClosed = resolve));
    this.#services = this.#makeServices(settings);
    this.#services.warnOfUnverified(parts.logger);
    this.#server = new StreamServer({ services: this.#services, counters: this.counters });
    this.live = liveParts({
      makeServices: (next) => this.#makeServices(next),
      serves: (services) => services.sharesFilesWith(this.#services),
      serve: (services) => this.#serve(services),
      attach: (next, trust) => this.#attach(next, trust),
      readTrust: trustOf,
      trusts: ({ ca }) => ca === this.#trust.ca,
      use: (next) => (this.#settings = next),
    });
  }

  get ready(): Promise<void> {
    return this.attached;
  }

  get links(): number {
    return this.#attachments.attached;
  }

  get admin(): ListenAddress | undefined {
    return this.#admin?.address;
  }

  async start(): Promise<void> {
    const { logger, metrics = new Metrics() } = this.#parts;
    const trust = trustOf(this.#settings);
    declareAgentMetrics(metrics, this.counters, this.#attachments);
    if (this.#settings.admin !== undefined) {
      this.#admin = await startAdminServer({
        listen: this.#settings.admin.listen,
        ready: () => this.#readiness(),
        metrics,
        logger,
        status: () => agentStatus(this.#settings.tunnel, this.#agent, this.#attachments.links),
      });
    }
    this.#attach(this.#settings, trust);
    this.#surroundings.start();
  }

  drain(): Promise<void> {
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  async #drain(): Promise<void> {
    this.#surroundings.stop();
    await this.#attachments.drain(this.#settings.drainTimeout);
    this.#services.close();
    await this.#admin?.close();
    this.#markClosed();
  }

  #readiness(): true | string {
    if (this.#draining !== undefined) return 'draining';
    return this.#attachments.serves || 'no link to any edge';
  }

  #makeServices({ ingress, upstream, limits }: AgentSettings): Services {
    const { logger } = this.#parts;
    return new Services(ingress, {
      limits: upstream,
      head: answerLimits(limits),
      deadlines: this.#deadlines,
      counters: this.counters,
      logger,
    });
  }

  /** New streams go by these services; the running ones keep their connections. */
  #serve(services: Services): void {
    const former = this.#services;
    this.#services = services;
    services.warnOfUnverified(this.#parts.logger);
    this.#server = new StreamServer({ services: this.#services, counters: this.counters });
    former.close();
  }

  /** Makes links by these settings, and then lets those of before end. */
  #attach(settings: AgentSettings, trust: EdgeTrust): void {
    if (this.#draining !== undefined) return;
    this.#trust = trust;
    const { edges, links, limits } = settings;
    const { logger, random = Math.random, onRefused } = this.#parts;
    for (const address of edges) {
      if (address.clear)
        logger.warn('token and traffic cross the network in clear', { edge: formatEdgeAddress(address) });
    }
    const hello = helloOf(settings, this.#agent, this.#parts.version);
    const supervisor: LinkSupervisor = new LinkSupervisor({
      edges: new EdgeList({ configured: edges, learns: links > 1, seed: hello.agent, random }),
      links,
      hello,
      trust,
      memory: new StreamMemory(limits.buffer),
      maxStreamsPerLink: limits.streamsPerLink,
      counters: this.counters,
      logger,
      random,
      serve: (stream, open) => this.#server.serve(stream, open),
      onAttached: (edge) => {
        this.#attachments.onAttached(supervisor);
        this.#onAttached(edge);
      },
      onRefused: (error) => onRefused?.(error),
    });
    this.#attachments.start(supervisor);
  }

  #onAttached(edge: string): void {
    if (!this.#isReady) {
      this.#isReady = true;
      this.#parts.logger.info('ready', { tunnel: this.#settings.tunnel, edge });
      this.#markAttached();
    }
    this.#parts.onAttached?.(edge);
  }
}

function helloOf(
  settings: AgentSettings,
  agent: string,
  version = 'unknown',
): Omit<AgentHello, 'generation'> {
  const { tunnel, token, region, claims } = settings;
  const claimsAny = claims.hostnames.length > 0 || claims.ports.length > 0;
  return {
    role: 'agent',
    tunnel,
    token: token.reveal(),
    agent,
    software: `culvert/${version}`,
    window: INITIAL_WINDOW_BYTES,
    ...(region === undefined ? {} : { region }),
    ...(claimsAny ? { claims: { hostnames: claims.hostnames, ports: claims.ports } } : {}),
  };
}

function trustOf({ ca: file }: AgentSettings): EdgeTrust {
  if (file === undefined) return {};
  try {
    return { ca: readFileSync(file, 'utf8') };
  } catch (error) {
    throw new AuthorityFileError(file, error as NodeJS.ErrnoException);
  }
}

/** One field may take all the room that the head has. */
function answerLimits({ headerSize, headerCount }: AgentSettings['limits']) {
  return { ...DEFAULT_HEAD_LIMITS, headBytes: headerSize, valueBytes: headerSize, fields: headerCount };
}
