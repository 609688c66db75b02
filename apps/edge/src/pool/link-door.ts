import { INITIAL_WINDOW_BYTES } from '@culvert/link';
import type { Admission, Link, LinkOwner, StreamMemory } from '@culvert/link';
import { isSuccessor, predecessorYielded } from '@culvert/lifecycle';
import type { ListenAddress } from '@culvert/lifecycle';
import type { Logger } from '@culvert/telemetry';
import { GoAwayCode, Kind, encodeGoAway } from '@culvert/wire';
import type { EdgeAddress, GoAway, HelloBody, PeerHello } from '@culvert/wire';
import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import type { EdgeCounters } from '../counters.ts';
import { EdgeNews } from './edge-news.ts';
import { LinkListener } from './link-listener.ts';
import type { Pools } from './pools.ts';
import { peerListenerTls, peerSecret } from '../peers/peer-tls.ts';
import { relay } from '../peers/relay.ts';
import type { SessionGate } from './session-gate.ts';
import type { EdgeSettings } from '../settings.ts';
import { removeStaleSockets } from '../peers/stale-sockets.ts';
import { CertificateStore } from '../tls/certificate-store.ts';
import type { TlsListenerSettings } from '../tls/certificate-store.ts';

export interface LinkDoorOptions {
  readonly self: { readonly id: string; readonly region: string; readonly software: string };
  /** Those in force: they may change. */
  readonly settings: EdgeSettings;
  readonly gate: SessionGate;
  readonly pools: Pools;
  readonly memory: StreamMemory;
  readonly counters: EdgeCounters;
  /** What TLS sessions are resumed with. */
  readonly ticketKeys: Buffer;
  readonly logger: Logger;
  /** Where other processes of this edge arrive, and what they prove themselves with. */
  readonly siblings: { readonly path: string; readonly secret: string } | undefined;
  readonly siblingLink: (tunnel: string) => Link | undefined;
  /** Other edges can arrive now. */
  readonly onPeers: () => void;
}

/** Where links arrive: agents at one listener, other edges at the other. */
export class LinkDoor {
  readonly #options: LinkDoorOptions;
  readonly #peerLinks = new Set<Link>();
  readonly #news = new EdgeNews();
  readonly #stores: CertificateStore[] = [];
  #agents: LinkListener | undefined;
  #peers: LinkListener | undefined;
  #siblings: LinkListener | undefined;

  constructor(options: LinkDoorOptions) {
    this.#options = options;
  }

  get agents(): ListenAddress | undefined {
    return this.#agents?.address;
  }

  /** Where other processes of this edge reach it. */
  get siblings(): string | undefined {
    return this.#siblings === undefined ? undefined : this.#options.siblings?.path;
  }

  get peers(): ListenAddress | undefined {
    return this.#peers?.address;
  }

  /** Links that other edges have dialled. */
  get peerLinks(): Link[] {
    return [...this.#peerLinks];
  }

  async start(): Promise<void> {
    const { settings } = this.#options;
    const { agents, peers } = settings;
    if (agents !== undefined) {
      this.#agents = await this.#listen('agents', agents.listen, agents.tls, undefined, false);
      await this.#agents.start();
    }
    await this.#startSiblings();
    if (peers === undefined) return;
    this.#peers = await this.#listen(
      'peers',
      peers.listen,
      peerListenerTls(peers),
      peerSecret(settings),
      peers.mutualTls,
    );
    // Until agents are attached here, other edges find them at the process before this one.
    if (isSuccessor()) void predecessorYielded().then(() => this.#startPeers());
    else await this.#peers.start();
  }

  /** No more agents attach here. */
  closeAgents(): void {
    this.#agents?.close();
  }

  /** No more edges attach here. */
  closePeers(): void {
    this.#peers?.close();
  }

  /** Tells every agent which edges it may dial. */
  tellEdges(edges: readonly EdgeAddress[]): void {
    this.#news.tell(this.#options.pools.sessions, edges);
  }

  /** Asks agents to attach elsewhere; what they hold here still takes streams. */
  tellDraining(notice: GoAway): void {
    const payload = encodeGoAway(notice);
    for (const session of this.#options.pools.sessions) {
      for (const link of session.links) link.sendControl(Kind.GoAway, payload);
    }
  }

  /** Reads the listeners' certificates again. */
  async reloadCertificates(): Promise<void> {
    await Promise.all(this.#stores.map((store) => store.reload()));
  }

  stop(): void {
    this.#news.stop();
    this.#agents?.stop();
    this.#peers?.stop();
    this.#siblings?.stop();
  }

  async #startPeers(): Promise<void> {
    const { logger, onPeers } = this.#options;
    try {
      await this.#peers?.start();
      onPeers();
    } catch (error) {
      logger.error('peers cannot arrive', { error });
    }
  }

  async #startSiblings(): Promise<void> {
    const { siblings, logger } = this.#options;
    if (siblings === undefined) return;
    const listener = await this.#listen('siblings', { host: '', port: 0 }, undefined, siblings.secret, false);
    try {
      await listener.startAt(siblings.path);
      this.#siblings = listener;
      void removeStaleSockets(dirname(siblings.path));
    } catch (error) {
      logger.warn('other processes of this edge cannot relay to this one', { path: siblings.path, error });
    }
  }

  async #listen(
    what: string,
    listen: ListenAddress,
    tls: TlsListenerSettings | undefined,
    secret: string | undefined,
    mutualTls: boolean,
  ): Promise<LinkListener> {
    const { memory, logger, counters } = this.#options;
    const live = (): EdgeSettings => this.#options.settings;
    return new LinkListener({
      what,
      listen,
      certificates: await this.#certificates(what, tls),
      mutualTls,
      secret,
      memory,
      get maxStreams() {
        return live().limits.streamsPerLink;
      },
      window: INITIAL_WINDOW_BYTES,
      get helloTimeoutMs() {
        return live().timeouts.hello;
      },
      logger,
      admit: (hello, remote) => this.#admit(what, hello, remote),
      onGarbage: (remote, reason) => {
        counters.garbage++;
        logger.debug('link refused', { listener: what, remote, reason });
      },
    });
  }

  async #certificates(
    what: string,
    tls: TlsListenerSettings | undefined,
  ): Promise<CertificateStore | undefined> {
    if (tls === undefined) return undefined;
    const { logger, ticketKeys } = this.#options;
    const store = await CertificateStore.open({ what, tls, ticketKeys, logger });
    this.#stores.push(store);
    return store;
  }

  #admit(what: string, hello: HelloBody, remote: string): Promise<Admission> {
    if (hello.role === 'agent' && what === 'agents') return this.#options.gate.admit(hello, remote);
    if (hello.role === 'peer') return Promise.resolve(this.#admitPeer(what, hello));
    const goAway = {
      code: GoAwayCode.NotAPeer,
      retryAfterMs: 0,
      text: 'agents attach at another address of this edge',
    };
    return Promise.resolve({ admit: false, goAway });
  }

  /** It has proved itself by then. */
  #admitPeer(what: string, hello: PeerHello): Admission {
    const { self } = this.#options;
    const welcome = {
      edge: self.id,
      region: self.region,
      session: randomUUID(),
      software: self.software,
      window: INITIAL_WINDOW_BYTES,
      edges: [],
    };
    return { admit: true, welcome, attach: (link) => this.#attachPeer(what, link, hello.edge) };
  }

  #attachPeer(what: string, link: Link, peer: string): LinkOwner {
    const { counters, logger, pools, memory, siblingLink } = this.#options;
    const options = what === 'siblings' ? { pools, memory } : { pools, memory, siblingLink };
    this.#peerLinks.add(link);
    logger.info('peer link accepted', { peer });
    return {
      onOpen: (stream, open) => {
        counters.relayedIn++;
        return relay(options, stream, open);
      },
      onGoAway: () => undefined,
      onControl: () => undefined,
      onClosed: (end) => {
        this.#peerLinks.delete(link);
        logger.info('peer link closed', { peer, reason: end.text });
      },
    };
  }
}
