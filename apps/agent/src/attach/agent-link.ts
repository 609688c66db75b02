import {
  dialLink,
  type Carrier,
  type Link,
  type LinkEnd,
  type LinkOwner,
  type LinkStream,
} from '@culvert/link';
import type { StreamConsumer, StreamMemory } from '@culvert/link';
import {
  Kind,
  decodeEdges,
  type AgentHello,
  type EdgeAddress,
  type GoAway,
  type Welcome,
} from '@culvert/wire';
import type { ReadOpen } from '@culvert/wire';
import { connectEdge, type EdgeConnection, type EdgeTrust } from './edge-connector.ts';
import type { KnownEdge } from './edge-list.ts';

/** How long an edge may take to admit a session, in ms: it may have to ask a router first. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** What a link tells of itself. */
export interface AgentLinkEvents {
  onAttached(link: AgentLink): void;
  /** It never came to be. Called instead of `onAttached`. */
  onFailed(link: AgentLink, error: Error): void;
  onEdges(link: AgentLink): void;
  /** The edge wants no new streams here. */
  onGoAway(link: AgentLink, goAway: GoAway): void;
  /** It was attached and has ended. */
  onEnded(link: AgentLink, end: LinkEnd): void;
  serve(stream: LinkStream, open: ReadOpen): StreamConsumer | number;
}

export interface AgentLinkOptions {
  readonly edge: KnownEdge;
  readonly hello: AgentHello;
  readonly trust: EdgeTrust;
  readonly memory: StreamMemory;
  readonly maxStreams: number;
  readonly events: AgentLinkEvents;
}

/** One link's life: dialing, attached, leaving, over. It never comes back; its successor is another one. */
export class AgentLink implements LinkOwner {
  readonly edge: KnownEdge;
  readonly generation: number;
  /** Its edge has said that another process takes links at its address. */
  succeeded = false;
  state: 'dialing' | 'attached' | 'leaving' | 'over' = 'dialing';
  /** Once attached: what the edge calls itself. */
  edgeId = '';
  /** Once attached: what the edge calls the session that it belongs to. */
  session = '';
  /** Once connected: the address of this machine that the link uses. */
  localAddress = '';
  /** The edges that this edge has told of last. */
  edges: readonly EdgeAddress[] = [];
  /** Once attached: on the monotonic clock, ms. */
  attachedAt = 0;
  readonly #options: AgentLinkOptions;
  #carrier: Carrier | undefined;
  #link: Link | undefined;

  constructor(options: AgentLinkOptions) {
    this.#options = options;
    this.edge = options.edge;
    this.generation = options.hello.generation;
  }

  get link(): Link | undefined {
    return this.#link;
  }

  dial(): void {
    connectEdge(this.edge.address, this.#options.trust).then(
      (connection) => this.#onConnected(connection),
      (error: Error) => this.#onFailed(error),
    );
  }

  /** It may lead nowhere any more: ends unless something is heard within the time (ms). */
  verify(timeoutMs: number): void {
    this.#link?.verify(timeoutMs);
  }

  /** Takes no new streams; the link ends with the last running one. */
  leave(goAway: GoAway): void {
    if (this.state === 'dialing') return this.abort(goAway);
    if (this.state === 'attached') this.state = 'leaving';
    this.#link?.goAway(goAway);
  }

  /** Ends it now. */
  abort(goAway: GoAway): void {
    if (this.#link !== undefined) return this.#link.close(goAway.code, goAway.text);
    this.state = 'over';
    this.#carrier?.destroy();
  }

  onOpen(stream: LinkStream, open: ReadOpen): StreamConsumer | number {
    return this.#options.events.serve(stream, open);
  }

  onControl(kind: number, payload: Buffer): void {
    if (kind !== Kind.Edges) return;
    this.edges = decodeEdges(payload);
    this.#options.events.onEdges(this);
  }

  onGoAway(goAway: GoAway): void {
    if (this.state === 'attached') this.state = 'leaving';
    this.#options.events.onGoAway(this, goAway);
  }

  onClosed(end: LinkEnd): void {
    this.state = 'over';
    this.#options.events.onEnded(this, end);
  }

  #onConnected({ carrier, localAddress }: EdgeConnection): void {
    this.localAddress = localAddress;
    if (this.state === 'over') return carrier.destroy();
    this.#carrier = carrier;
    const { hello, memory, maxStreams } = this.#options;
    dialLink({
      carrier,
      hello,
      memory,
      maxStreams,
      timeoutMs: HANDSHAKE_TIMEOUT_MS,
      onAttached: (link, welcome) => this.#onAttached(link, welcome),
      onFailed: (error) => this.#onFailed(error),
    });
  }

  #onAttached(link: Link, welcome: Welcome): LinkOwner {
    this.#link = link;
    this.state = 'attached';
    this.attachedAt = performance.now();
    this.edgeId = welcome.body.edge;
    this.session = welcome.body.session;
    this.edges = welcome.body.edges;
    this.edge.id = welcome.body.edge;
    this.edge.region = welcome.body.region;
    this.#options.events.onAttached(this);
    return this;
  }

  #onFailed(error: Error): void {
    if (this.state === 'over') return;
    this.state = 'over';
    this.#options.events.onFailed(this, error);
  }
}
