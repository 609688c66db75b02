import { HandshakeError, dialLink } from '@culvert/link';
import type { Link, LinkOwner, StreamMemory } from '@culvert/link';
import { INITIAL_WINDOW_BYTES, SocketCarrier, newNonce } from '@culvert/link';
import type { PoolInfo } from '@culvert/signals';
import type { Logger } from '@culvert/telemetry';
import { GoAwayCode, ResetCode } from '@culvert/wire';
import type { GoAway } from '@culvert/wire';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { isOf, socketPath } from './siblings.ts';

const DIAL_TIMEOUT_MS = 3_000;
/** An edge that could not be reached is left alone for about this long the first time, then for twice as long, ms. */
const HOLD_OFF_MS = 1_000;
const MAX_HOLD_OFF_MS = 30_000;
/** Links to one edge: another one is dialled when all have enough to write. */
const MAX_LINKS = 4;

const GONE: GoAway = { code: GoAwayCode.Leaving, retryAfterMs: 0, text: 'edge has left' };

export interface PeerLinksOptions {
  readonly edge: string;
  readonly software: string;
  /** Absent: this edge relays to nobody. */
  readonly secret: string | undefined;
  /** What other processes of this edge are convinced with. */
  readonly siblingSecret?: string;
  readonly memory: StreamMemory;
  readonly maxStreams: number;
  readonly logger: Logger;
  /** Opens a TLS connection where peers are dialled by TLS; absent: plain TCP. */
  readonly connectTls: ((host: string, port: number) => Socket) | undefined;
}

interface Peer {
  readonly address: string;
  /** Those that take streams. */
  readonly links: Link[];
  dialing: Promise<Link> | undefined;
  /** Dials that failed since the last one that did not. */
  failures: number;
  /** When it may be dialled again; `performance.now()`. */
  notBefore: number;
}

/** Links that this edge has dialled to other edges, kept while they last: one each, or a few where one is too slow. */
export class PeerLinks {
  readonly #options: PeerLinksOptions;
  readonly #peers = new Map<string, Peer>();
  /** Also those that take no more streams, until their last one is over. */
  readonly #open = new Set<Link>();

  constructor(options: PeerLinksOptions) {
    this.#options = options;
  }

  get links(): Link[] {
    return [...this.#peers.values()].flatMap((peer) => peer.links);
  }

  /** Whether anything that was relayed is still under way. */
  get busy(): boolean {
    for (const link of this.#open) if (link.openStreams > 0) return true;
    return false;
  }

  /** The link to an edge for the next stream, if there is one now. */
  up(edge: string): Link | undefined {
    const links = this.#peers.get(edge)?.links;
    return links === undefined ? undefined : bestOf(links);
  }

  /** The way to an edge: ms, Infinity until it was measured, undefined where no link takes streams. */
  roundTripMs(edge: string, which: 'sound' | 'any'): number | undefined {
    const link = this.up(edge);
    if (link === undefined || (link.suspect && which === 'sound')) return undefined;
    return link.measured ? link.roundTripMs : Infinity;
  }

  /** The link to the holder of a pool, dialled where it is missing. Rejects when it cannot be had. */
  reach(pool: PoolInfo): Promise<Link> {
    const peer = this.#peerAt(pool.edge, pool.peers);
    const link = bestOf(peer.links);
    if (link !== undefined) return Promise.resolve(link);
    if (performance.now() < peer.notBefore) {
      return Promise.reject(new HandshakeError(`edge ${pool.edge} was unreachable a moment ago`));
    }
    return this.#dialOnce(pool.edge, peer);
  }

  /** Begins to dial the holder of a pool where a link is missing, unless that failed a moment ago. */
  prepare(pool: PoolInfo): void {
    const peer = this.#peerAt(pool.edge, pool.peers);
    if (peer.links.length >= MAX_LINKS || peer.links.some((link) => !link.congested)) return;
    if (peer.dialing !== undefined || performance.now() < peer.notBefore) return;
    this.#dialOnce(pool.edge, peer).catch(() => undefined);
  }

  #dialOnce(edge: string, peer: Peer): Promise<Link> {
    peer.dialing ??= this.#dial(edge, peer)
      .then((link) => {
        peer.failures = 0;
        return link;
      })
      .catch((error: unknown) => {
        const ceiling = Math.min(MAX_HOLD_OFF_MS, HOLD_OFF_MS * 2 ** Math.min(peer.failures, 10));
        peer.failures++;
        peer.notBefore = performance.now() + ceiling * (0.5 + Math.random() / 2);
        this.#options.logger.warn('peer unreachable', { peer: edge, address: peer.address, error });
        throw error;
      })
      .finally(() => {
        peer.dialing = undefined;
      });
    return peer.dialing;
  }

  /** An edge has started anew or left: its old link and address are of no use. */
  forget(edge: string): void {
    for (const [name, { links }] of this.#peers) {
      if (!isOf(name, edge)) continue;
      this.#peers.delete(name);
      for (const link of [...links]) link.goAway(GONE);
    }
  }

  stop(): void {
    for (const edge of [...this.#peers.keys()]) this.forget(edge);
  }

  #peerAt(edge: string, address: string): Peer {
    const known = this.#peers.get(edge);
    if (known?.address === address) return known;
    if (known !== undefined) this.forget(edge);
    const peer: Peer = { address, links: [], dialing: undefined, failures: 0, notBefore: 0 };
    this.#peers.set(edge, peer);
    return peer;
  }

  #dial(edge: string, peer: Peer): Promise<Link> {
    const { software, memory, maxStreams, edge: self } = this.#options;
    const path = socketPath(peer.address);
    const secret = path === undefined ? this.#options.secret : this.#options.siblingSecret;
    return new Promise((resolve, reject) => {
      if (secret === undefined)
        return reject(new HandshakeError('this edge has no cluster secret, so it cannot relay'));
      const socket = path === undefined ? this.#connect(peer.address) : connect(path);
      let attached = false;
      socket.once('error', reject);
      const isClear = path !== undefined || this.#options.connectTls === undefined;
      socket.once(isClear ? 'connect' : 'secureConnect', () => {
        dialLink({
          carrier: new SocketCarrier(socket),
          hello: {
            role: 'peer',
            edge: self,
            nonce: newNonce().toString('hex'),
            software,
            window: INITIAL_WINDOW_BYTES,
          },
          memory,
          maxStreams,
          timeoutMs: DIAL_TIMEOUT_MS,
          secret,
          onAttached: (link) => {
            attached = true;
            // It may have left, or the own edge have stopped, while it was dialled.
            if (this.#peers.get(edge) === peer) peer.links.push(link);
            else link.goAway(GONE);
            resolve(link);
            return this.#owner(edge, peer, link);
          },
          onFailed: reject,
        });
      });
      socket.setTimeout(DIAL_TIMEOUT_MS, () => {
        if (!attached) socket.destroy(new HandshakeError(`no connection within ${DIAL_TIMEOUT_MS} ms`));
        socket.setTimeout(0);
      });
    });
  }

  #connect(address: string): Socket {
    const colon = address.lastIndexOf(':');
    const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
    const port = Number(address.slice(colon + 1));
    return this.#options.connectTls?.(host, port) ?? connect({ host, port, noDelay: true });
  }

  #owner(edge: string, peer: Peer, link: Link): LinkOwner {
    const gone = (): void => {
      const index = peer.links.indexOf(link);
      if (index !== -1) peer.links.splice(index, 1);
    };
    this.#options.logger.info('peer link up', { peer: edge, address: peer.address });
    this.#open.add(link);
    return {
      // Streams are opened by the side that dials; the other dials for its own.
      onOpen: () => ResetCode.Refused,
      onGoAway: gone,
      onControl: () => undefined,
      onClosed: (end) => {
        gone();
        this.#open.delete(link);
        this.#options.logger.info('peer link down', { peer: edge, reason: end.text });
      },
    };
  }
}

/** The first that is not busy, so that few links carry few streams; undefined when none takes streams. */
function bestOf(links: readonly Link[]): Link | undefined {
  let best: Link | undefined;
  for (const link of links) {
    if (!link.available) continue;
    if (!link.suspect && !link.congested) return link;
    if (best === undefined || best.suspect) best = link;
  }
  return best;
}
