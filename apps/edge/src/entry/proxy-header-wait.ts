import { Deadlined, coarseNow } from '@culvert/lifecycle';
import { own } from '@culvert/socket';
import type { SocketOwner } from '@culvert/socket';
import { sniff } from '@culvert/sniff';
import type { Socket } from 'node:net';
import type { Admission } from './admission.ts';
import type { HttpContext } from '../http/http-context.ts';
import type { Peer } from './peer.ts';
import { believedPeer } from './proxy-header.ts';

export interface ProxyHeaderWaitOptions {
  readonly socket: Socket;
  readonly peer: Peer;
  readonly admission: Admission;
  readonly context: HttpContext;
  readonly timeoutMs: number;
  /** Takes the socket over; `first` is what came behind the header. */
  readonly onPeer: (peer: Peer, first: Buffer) => void;
  /** The socket is destroyed afterwards. */
  readonly onGarbage: (reason: string) => void;
}

/** Owns a connection to a TCP port until the header of the PROXY protocol that it must begin with is there. */
export class ProxyHeaderWait extends Deadlined implements SocketOwner {
  readonly #options: ProxyHeaderWaitOptions;
  #held: Buffer = Buffer.alloc(0);

  constructor(options: ProxyHeaderWaitOptions) {
    super();
    this.#options = options;
    this.deadline = coarseNow() + options.timeoutMs;
    options.context.deadlines.watch(this);
    own(options.socket, this);
    if (!options.peer.trusted) this.#refuse('not a trusted proxy');
  }

  onSocketRead(bytes: number, buffer: Buffer): void {
    this.#held = Buffer.concat([this.#held, buffer.subarray(0, bytes)]);
    const verdict = sniff(this.#held, this.#held.length);
    if (verdict.kind === 'need-more') return;
    if (verdict.kind !== 'proxy-protocol') return this.#refuse('no header of the PROXY protocol');
    const { socket, peer, context, admission, onPeer } = this.#options;
    context.deadlines.forget(this);
    const named = believedPeer(socket, verdict, peer, { admission, context });
    if (named !== undefined) onPeer(named, this.#held.subarray(verdict.headerLength));
  }

  onSocketDrain(): void {}

  onSocketEnd(): void {
    this.#options.socket.destroy();
  }

  onSocketClose(): void {
    this.#options.context.deadlines.forget(this);
  }

  onDeadline(): void {
    this.#refuse('incomplete');
  }

  #refuse(reason: string): void {
    this.#options.context.deadlines.forget(this);
    this.#options.onGarbage(reason);
    this.#options.socket.destroy();
  }
}
