import { HandshakeError, dialLink } from '@culvert/link';
import type { Link, LinkOwner, StreamMemory } from '@culvert/link';
import { INITIAL_WINDOW_BYTES, SocketCarrier, newNonce } from '@culvert/link';
import type { PoolInfo } from '@culvert/signals';
import type { Logger } from '@culvert/telemetry';
import { GoAwayCode, ResetCode } from '@culvert/wire';
import type { GoAway } from '@culvert/wire';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

const DIAL_TIMEOUT_MS = 3_000;
/** An edge that could not be reached is left alone for this long, ms. */
const HOLD_OFF_MS = 1_000;

const GONE: GoAway = { code: GoAwayCode.Leaving, retryAfterMs: 0, text: 'edge has left' };

export interface PeerLinksOptions {
  readonly edge: string;
  readonly software: string;
  /** Absent: this edge relays to nobody. */
  readonly secret: string | undefined;
  readonly memory: StreamMemory;
  readonly maxStreams: number;
  readonly logger: Logger;
  /** Opens a TLS connection where peers are dialled by TLS; absent: plain TCP. */
  readonly connectTls: ((host: string, port: number) => Socket) | undefined;
}

interface Peer {
  readonly address: string;
  link: Link | undefined;
  dialing: Promise<Link> | undefined;
  failedAt: number;
}

/** Links that this edge has dialled to other edges, one each, kept while they last. */
export class PeerLinks {
  readonly #options: PeerLinksOptions;
  readonly #peers = new Map<string, Peer>();

  constructor(options: PeerLinksOptions) {
    this.#options = options;
  }

  get links(): Link[] {
    return [...this.#peers.values()].flatMap((peer) => (peer.link === undefined ? [] : [peer.link]));
  }

  /** The link to an edge if there is one now. */
  up(edge: string): Link | undefined {
    return this.#peers.get(edge)?.link;
  }

  /** The link to the holder of a pool, dialled where it is missing. Rejects when it cannot be had. */
  reach(pool: PoolInfo): Promise<Link> {
    const peer = this.#peerAt(pool.edge, pool.peers);
    if (peer.link !== undefined) return Promise.resolve(peer.link);
    if (heldOff(peer)) {
      return Promise.reject(new HandshakeError(`edge ${pool.edge} was unreachable a moment ago`));
    }
    peer.dialing ??= this.#dial(pool.edge, peer)
      .catch((error: unknown) => {
        peer.failedAt = performance.now();
        this.#options.logger.warn('peer unreachable', { peer: pool.edge, address: peer.address, error });
        throw error;
      })
      .finally(() => {
        peer.dialing = undefined;
      });
    return peer.dialing;
  }

  /** Begins to dial the holder of a pool, unless that has begun already or failed a moment ago. */
  prepare(pool: PoolInfo): void {
    const peer = this.#peerAt(pool.edge, pool.peers);
    if (peer.link !== undefined || peer.dialing !== undefined || heldOff(peer)) return;
    this.reach(pool).catch(() => undefined);
  }

  /** An edge has started anew or left: its old link and address are of no use. */
  forget(edge: string): void {
    const peer = this.#peers.get(edge);
    this.#peers.delete(edge);
    peer?.link?.goAway(GONE);
  }

  stop(): void {
    for (const edge of [...this.#peers.keys()]) this.forget(edge);
  }

  #peerAt(edge: string, address: string): Peer {
    const known = this.#peers.get(edge);
    if (known?.address === address) return known;
    if (known !== undefined) this.forget(edge);
    const peer: Peer = { address, link: undefined, dialing: undefined, failedAt: -Infinity };
    this.#peers.set(edge, peer);
    return peer;
  }

  #dial(edge: string, peer: Peer): Promise<Link> {
    const { secret, software, memory, maxStreams, edge: self } = this.#options;
    return new Promise((resolve, reject) => {
      if (secret === undefined)
        return reject(new HandshakeError('this edge has no cluster secret, so it cannot relay'));
      const socket = this.#connect(peer.address);
      socket.once('error', reject);
      socket.once(this.#options.connectTls === undefined ? 'connect' : 'secureConnect', () => {
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
            // It may have left, or the own edge have stopped, while it was dialled.
            if (this.#peers.get(edge) === peer) peer.link = link;
            else link.goAway(GONE);
            resolve(link);
            return this.#owner(edge, peer, link);
          },
          onFailed: reject,
        });
      });
      socket.setTimeout(DIAL_TIMEOUT_MS, () => {
        if (peer.link === undefined)
          socket.destroy(new HandshakeError(`no connection within ${DIAL_TIMEOUT_MS} ms`));
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
      if (peer.link === link) peer.link = undefined;
    };
    this.#options.logger.info('peer link up', { peer: edge, address: peer.address });
    return {
      // Streams are opened by the side that dials; the other dials for its own.
      onOpen: () => ResetCode.Refused,
      onGoAway: gone,
      onControl: () => undefined,
      onClosed: (end) => {
        gone();
        this.#options.logger.info('peer link down', { peer: edge, reason: end.text });
      },
    };
  }
}

function heldOff(peer: Peer): boolean {
  return performance.now() - peer.failedAt < HOLD_OFF_MS;
}
