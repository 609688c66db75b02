import { Deadlined, coarseNow } from '@culvert/lifecycle';
import type { Deadlines } from '@culvert/lifecycle';
import { own } from '@culvert/socket';
import type { SocketOwner } from '@culvert/socket';
import { sniff } from '@culvert/sniff';
import type { ProxyHeader } from '@culvert/sniff';
import type { Socket } from 'node:net';
import type { Peer } from './peer.ts';

/**
 * What a connection turned out to be. `first` is everything that was read of it, but for a header of the PROXY
 * protocol: a view, valid during the call.
 */
export interface SniffTarget {
  onHttp1(socket: Socket, first: Buffer, peer: Peer): void;
  onHttp2(socket: Socket, first: Buffer, peer: Peer): void;
  onTls(socket: Socket, serverName: string | undefined, first: Buffer, peer: Peer): void;
  /** Whom the header names, if it is believed; otherwise the socket has been taken care of. */
  onProxyHeader(socket: Socket, header: ProxyHeader, peer: Peer): Peer | undefined;
  /** Nothing this edge speaks, or nothing in time. The socket is to be closed. */
  onGarbage(socket: Socket, reason: string): void;
}

/** Owns a public connection until its first bytes tell what it is. */
export class Sniffing extends Deadlined implements SocketOwner {
  readonly #socket: Socket;
  readonly #target: SniffTarget;
  readonly #deadlines: Deadlines;
  #peer: Peer;
  /** Whether a header of the PROXY protocol is what must come next, may come, or must not. */
  #proxyHeader: 'require' | 'accept' | 'off';
  #held: Buffer | undefined;

  constructor(options: {
    readonly socket: Socket;
    readonly peer: Peer;
    readonly target: SniffTarget;
    readonly deadlines: Deadlines;
    readonly timeoutMs: number;
    readonly proxyProtocol: 'require' | 'accept' | 'off';
  }) {
    super();
    this.#socket = options.socket;
    this.#peer = options.peer;
    this.#target = options.target;
    this.#deadlines = options.deadlines;
    this.#proxyHeader = options.proxyProtocol;
    this.deadline = coarseNow() + options.timeoutMs;
    options.deadlines.watch(this);
    own(options.socket, this);
  }

  onSocketRead(bytes: number, buffer: Buffer): void {
    const first =
      this.#held === undefined
        ? buffer.subarray(0, bytes)
        : Buffer.concat([this.#held, buffer.subarray(0, bytes)]);
    this.#decide(first);
  }

  #decide(first: Buffer): void {
    const verdict = sniff(first, first.length);
    if (verdict.kind === 'need-more') {
      this.#held = first.length === 0 ? undefined : Buffer.from(first);
      return;
    }
    if (verdict.kind === 'proxy-protocol' && this.#proxyHeader !== 'off') {
      const peer = this.#target.onProxyHeader(this.#socket, verdict, this.#peer);
      if (peer === undefined) return this.#deadlines.forget(this);
      this.#peer = peer;
      this.#proxyHeader = 'off';
      return this.#decide(first.subarray(verdict.headerLength));
    }
    this.#deadlines.forget(this);
    if (this.#proxyHeader === 'require') {
      return this.#target.onGarbage(this.#socket, 'no header of the PROXY protocol');
    }
    switch (verdict.kind) {
      case 'http1':
        return this.#target.onHttp1(this.#socket, first, this.#peer);
      case 'http2':
        return this.#target.onHttp2(this.#socket, first, this.#peer);
      case 'tls':
        return this.#target.onTls(this.#socket, verdict.serverName, first, this.#peer);
      case 'invalid':
        return this.#target.onGarbage(this.#socket, `${verdict.protocol}: ${verdict.reason}`);
      default:
        return this.#target.onGarbage(this.#socket, verdict.kind);
    }
  }

  onSocketDrain(): void {}

  onSocketEnd(): void {
    this.#socket.destroy();
  }

  onSocketClose(): void {
    this.#deadlines.forget(this);
  }

  onDeadline(): void {
    this.#deadlines.forget(this);
    // Nobody has said anything: a browser's spare connection, not worth counting.
    if (this.#held === undefined) this.#socket.destroy();
    else this.#target.onGarbage(this.#socket, 'incomplete');
  }
}
