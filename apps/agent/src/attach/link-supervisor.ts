import { within } from '@culvert/lifecycle';
import {
  LinkRefusedError,
  type LinkEnd,
  type LinkStream,
  type StreamConsumer,
  type StreamMemory,
} from '@culvert/link';
import type { Logger } from '@culvert/telemetry';
import {
  GoAwayCode,
  goAwayName,
  isFinalRefusal,
  type AgentHello,
  type GoAway,
  type ReadOpen,
} from '@culvert/wire';
import type { AgentCounters } from '../counters.ts';
import { AgentLink, type AgentLinkEvents } from './agent-link.ts';
import type { EdgeTrust } from './edge-connector.ts';
import type { EdgeList, KnownEdge } from './edge-list.ts';
import { Generations } from './generations.ts';
import { nextStep, type EdgeState } from './link-plan.ts';

/** How long (ms) an edge is left alone that refused for a reason which does not go away by itself. */
const FINAL_REFUSAL_MS = 60_000;
/** No edge can ask to be left alone for longer (ms). */
const MAX_RETRY_AFTER_MS = 300_000;
/** An agent that has kept all of its links for so long (ms) moves them without haste. */
const SETTLED_MS = 5_000;
/** The edge that held the last link asks for another one: the others are dialled within this time (ms). */
const HURRY_MS = 250;
/** How long (ms) the links to an edge's former process are kept beside those to the next: others have to hear of it. */
const OVERLAP_MS = 1_000;
/** How long (ms) a link may be silent after the machine has slept or moved; a busy edge is no dead one. */
const VERIFY_MS = 4_000;

/** Links end in these ways when nothing is wrong. */
const EXPECTED: ReadonlySet<number> = new Set([
  GoAwayCode.Leaving,
  GoAwayCode.Draining,
  GoAwayCode.Succeeded,
]);

export interface LinkSupervisorOptions {
  readonly edges: EdgeList;
  /** How many links to keep. */
  readonly links: number;
  readonly hello: Omit<AgentHello, 'generation'>;
  readonly trust: EdgeTrust;
  readonly memory: StreamMemory;
  readonly maxStreamsPerLink: number;
  readonly counters: AgentCounters;
  readonly logger: Logger;
  /** A number in [0, 1). */
  readonly random: () => number;
  serve(stream: LinkStream, open: ReadOpen): StreamConsumer | number;
  /** A link was attached, the first one or another. */
  onAttached(edgeId: string): void;
  onRefused(error: LinkRefusedError): void;
}

/** Keeps an agent's links: decides by `nextStep` and waits for the edges that are not to be dialled yet. */
export class LinkSupervisor implements AgentLinkEvents {
  readonly #options: LinkSupervisorOptions;
  readonly #links = new Set<AgentLink>();
  readonly #generations = new Generations(Date.now());
  #timer: NodeJS.Timeout | undefined;
  #stopping = false;
  #onEmpty: (() => void) | undefined;

  constructor(options: LinkSupervisorOptions) {
    this.#options = options;
  }

  get links(): Iterable<AgentLink> {
    return this.#links;
  }

  /** Links that take streams. */
  get attached(): number {
    let attached = 0;
    for (const link of this.#links) if (link.state === 'attached') attached++;
    return attached;
  }

  /** Whether any link takes streams: an edge that drains goes on using those that are left to it. */
  get serves(): boolean {
    for (const link of this.#links) if (link.state === 'attached' || link.state === 'leaving') return true;
    return false;
  }

  start(): void {
    this.#reconcile();
  }

  /** The machine has slept: no link may lead anywhere any more. */
  onSlept(): void {
    this.#verify([...this.#links], 'the machine or the process has slept');
  }

  /** Addresses of the machine have come and gone: the links that use one of those lead nowhere. */
  onAddresses(came: ReadonlySet<string>, gone: ReadonlySet<string>): void {
    const cut = [...this.#links].filter(({ localAddress }) => gone.has(localAddress));
    if (cut.length > 0) return this.#verify(cut, 'an address of the machine is gone');
    if (came.size === 0 || this.attached > 0 || this.#stopping) return;
    // Perhaps the network is back.
    this.#hurry();
    this.#reconcile();
  }

  /** What could not be reached before may be reached now, too. */
  #verify(links: readonly AgentLink[], reason: string): void {
    if (this.#stopping) return;
    this.#options.logger.info('links are verified', { reason });
    for (const link of links) {
      if (link.state === 'dialing') {
        link.abort({ code: GoAwayCode.Leaving, retryAfterMs: 0, text: reason });
        this.#links.delete(link);
      } else {
        link.verify(VERIFY_MS);
      }
    }
    for (const edge of this.#options.edges.all) edge.backoff.reset();
    this.#hurry();
    this.#reconcile();
  }

  /** Tells all edges to send nothing new, and resolves when the running streams are over or `timeoutMs` is. */
  async drain(timeoutMs: number): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    const goAway = { code: GoAwayCode.Leaving, retryAfterMs: 0, text: 'the agent is being stopped' };
    for (const link of [...this.#links]) {
      link.leave(goAway);
      if (link.state === 'over') this.#links.delete(link);
    }
    if ((await within(this.#empty(), timeoutMs)) === 'done') return;
    for (const link of [...this.#links]) link.abort(goAway);
  }

  serve(stream: LinkStream, open: ReadOpen): StreamConsumer | number {
    return this.#options.serve(stream, open);
  }

  onAttached(link: AgentLink): void {
    const { logger, counters } = this.#options;
    link.edge.proven = true;
    link.edge.draining = false;
    this.#generations.attached(link.edgeId, link.generation);
    counters.linksAttached++;
    logger.info('link attached', { edge: link.edgeId, address: link.edge.key, region: link.edge.region });
    this.#learn();
    this.#leaveSucceeded(link.edge);
    this.#options.onAttached(link.edgeId);
    this.#reconcile();
  }

  onFailed(link: AgentLink, error: Error): void {
    this.#links.delete(link);
    link.edge.proven = false;
    if (error instanceof LinkRefusedError) this.#onRefused(link.edge, error);
    else this.#onUnreachable(link.edge, error);
    this.#reconcile();
  }

  onEdges(): void {
    this.#learn();
    this.#reconcile();
  }

  onGoAway(link: AgentLink, goAway: GoAway): void {
    const fields = { edge: link.edgeId, code: goAwayName(goAway.code), text: goAway.text };
    this.#options.logger.info('edge takes no more streams on a link', fields);
    if (isFinalRefusal(goAway.code)) this.#leaveAlone(link.edge, this.#afterFinalRefusal());
    else this.#leaveAlone(link.edge, retryAfter(goAway, 0));
    link.succeeded = goAway.code === GoAwayCode.Succeeded;
    if (!link.succeeded) {
      link.edge.draining = goAway.code !== GoAwayCode.Replaced;
      // Its successor may be at the same address already: one dial at a time finds out.
      link.edge.proven = false;
      this.#backOff(link.edge, performance.now() - link.attachedAt);
    }
    if (this.attached === 0) this.#hurry();
    this.#reconcile();
  }

  onEnded(link: AgentLink, end: LinkEnd): void {
    const { logger, counters } = this.#options;
    this.#links.delete(link);
    this.#generations.lost(link.edgeId);
    counters.linkBytesIn += link.link?.counters.bytesIn ?? 0;
    counters.linkBytesOut += link.link?.counters.bytesOut ?? 0;
    const expected = EXPECTED.has(end.code);
    const fields = { edge: link.edgeId, by: end.by, code: goAwayName(end.code), text: end.text };
    if (expected) logger.info('link ended', fields);
    else logger.warn('link lost', end.code === 0 ? { edge: link.edgeId, text: end.text } : fields);
    // Once the edge has let go of the last link it is gone, or back, or refuses: a dial tells which.
    link.edge.draining &&= this.#has(link.edge, 'leaving');
    const isBack = expected && this.#has(link.edge, 'attached');
    if (!isBack && !link.succeeded && !(expected && end.by === 'us'))
      this.#backOff(link.edge, performance.now() - link.attachedAt);
    if (this.#links.size === 0) this.#onEmpty?.();
    this.#learn();
    this.#reconcile();
  }

  // What is known of the edges

  #learn(): void {
    const told = new Map<string, AgentLink['edges'][number]>();
    for (const link of this.#links) for (const edge of link.edges) told.set(edge.id, edge);
    // Without any link left, what was told last is still the best there is.
    if (told.size > 0) this.#options.edges.learn([...told.values()], this.#hasTime());
  }

  #hasTime(): boolean {
    const settled = performance.now() - SETTLED_MS;
    let kept = 0;
    for (const link of this.#links) if (link.state === 'attached' && link.attachedAt < settled) kept++;
    return kept >= this.#options.links;
  }

  #onUnreachable(edge: KnownEdge, error: Error): void {
    const { logger, counters } = this.#options;
    counters.linkFailures++;
    const isFirst = edge.backoff.failures === 0;
    const retryInMs = this.#backOff(edge, 0);
    // One line when it begins; the repeats are for whoever looks closer.
    logger[isFirst ? 'warn' : 'debug']('edge unreachable', {
      address: edge.key,
      reason: error.message,
      retryInMs,
    });
  }

  #onRefused(edge: KnownEdge, error: LinkRefusedError): void {
    const { logger, counters } = this.#options;
    const { code, text } = error.goAway;
    counters.linkRefusals++;
    if (code === GoAwayCode.Replaced) this.#generations.outdated(edge.id ?? edge.key, Date.now());
    const backoff = this.#backOff(edge, 0);
    const isFinal = isFinalRefusal(code);
    const asked = isFinal ? this.#afterFinalRefusal() : retryAfter(error.goAway, 0);
    this.#leaveAlone(edge, asked);
    const retryInMs = Math.round(Math.max(asked, backoff));
    const level = isFinal ? 'error' : code === GoAwayCode.Draining ? 'info' : 'warn';
    logger[level]('edge refused the link', { address: edge.key, code: goAwayName(code), text, retryInMs });
    this.#options.onRefused(error);
  }

  /** Links lost together count as one failure. Returns the delay in ms. */
  #backOff(edge: KnownEdge, lastedMs: number): number {
    const now = performance.now();
    if (edge.notBefore <= now) edge.notBefore = now + edge.backoff.next(lastedMs);
    return Math.round(edge.notBefore - now);
  }

  #leaveAlone(edge: KnownEdge, ms: number): void {
    edge.askedUntil = Math.max(edge.askedUntil, performance.now() + ms);
  }

  /** There is reason to think that edges can be reached now, and need of it: no time for backing off. */
  #hurry(): void {
    const soon = performance.now() + this.#options.random() * HURRY_MS;
    for (const edge of this.#options.edges.all)
      if (!edge.draining) edge.notBefore = Math.min(edge.notBefore, soon);
  }

  #afterFinalRefusal(): number {
    return FINAL_REFUSAL_MS * (0.75 + this.#options.random() / 2);
  }

  // Acting on it

  #reconcile(): void {
    if (this.#stopping) return;
    const { links } = this.#options;
    for (;;) {
      const now = performance.now();
      const edges = this.#edges();
      const step = nextStep(
        edges.map((edge) => this.#stateOf(edge, now)),
        links,
      );
      const edge = edges.find(({ key }) => key === step?.key);
      // By one clock reading: an edge whose time came in between would be neither dialled nor waited for.
      if (step === undefined || edge === undefined) return this.#waitForNext(now);
      if (step.act === 'dial') this.#dial(edge);
      else this.#retire(edge);
    }
  }

  /** Those that may be dialled and those that links lead to although nobody names them any more. */
  #edges(): readonly KnownEdge[] {
    const edges = new Map(this.#options.edges.all.map((edge) => [edge.key, edge]));
    for (const { edge, state } of this.#links)
      if (state === 'attached' && !edges.has(edge.key)) edges.set(edge.key, edge);
    return [...edges.values()];
  }

  #stateOf(edge: KnownEdge, now: number): EdgeState {
    const { region } = this.#options.hello;
    let attached = 0;
    let dialing = 0;
    for (const link of this.#links) {
      if (link.edge.key !== edge.key) continue;
      if (link.state === 'attached') attached++;
      if (link.state === 'dialing') dialing++;
    }
    const preferred = region === undefined || edge.region === undefined || edge.region === region;
    const dialable = dialableAt(edge) <= now;
    const doubtful = edge.draining || (!edge.proven && edge.backoff.failures > 0);
    return { key: edge.key, preferred, attached, dialing, dialable, proven: edge.proven, doubtful };
  }

  #dial(edge: KnownEdge): void {
    const { hello, trust, memory, maxStreamsPerLink } = this.#options;
    const generation = this.#generations.current(edge.id ?? edge.key);
    const link = new AgentLink({
      edge,
      hello: { ...hello, generation },
      trust,
      memory,
      maxStreams: maxStreamsPerLink,
      events: this,
    });
    this.#links.add(link);
    link.dial();
  }

  /** The process of the edge that takes links now has one: soon, the one before needs no more of them. */
  #leaveSucceeded(edge: KnownEdge): void {
    const former = [...this.#links].filter((link) => link.edge.key === edge.key && link.succeeded);
    if (former.length === 0) return;
    const goAway = {
      code: GoAwayCode.Leaving,
      retryAfterMs: 0,
      text: 'attached to the process that follows',
    };
    setTimeout(() => {
      for (const link of former) if (link.state !== 'over') link.leave(goAway);
    }, OVERLAP_MS).unref();
  }

  #retire(edge: KnownEdge): void {
    for (const link of this.#links) {
      if (link.edge.key !== edge.key || link.state !== 'attached') continue;
      link.leave({ code: GoAwayCode.Leaving, retryAfterMs: 0, text: 'the agent has links to other edges' });
      return;
    }
  }

  #waitForNext(now: number): void {
    clearTimeout(this.#timer);
    const waits = this.#edges()
      .map((edge) => dialableAt(edge) - now)
      .filter((wait) => wait > 0);
    if (waits.length > 0) this.#timer = setTimeout(() => this.#reconcile(), Math.min(...waits) + 1);
  }

  #has(edge: KnownEdge, state: AgentLink['state']): boolean {
    for (const link of this.#links) if (link.edge.key === edge.key && link.state === state) return true;
    return false;
  }

  #empty(): Promise<void> {
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
      if (this.#links.size === 0) resolve();
    });
  }
}

function dialableAt(edge: KnownEdge): number {
  return Math.max(edge.notBefore, edge.askedUntil);
}

/** What the other side asks for, within bounds; `otherwise` when it leaves it to us. */
function retryAfter(goAway: GoAway, otherwise: number): number {
  return goAway.retryAfterMs === 0 ? otherwise : Math.min(goAway.retryAfterMs, MAX_RETRY_AFTER_MS);
}
