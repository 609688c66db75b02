import type { Socket } from 'node:net';
import { Deadlined, coarseNow } from '@culvert/lifecycle';
import { abort, own, type OwnedSocket, type SocketOwner } from '@culvert/socket';

/** Whoever uses a connection at the moment. */
export interface ConnectionUser {
  /** Called once on a connection that was made for this user; not on one that was there already. */
  onConnected(): void;
  /** Bytes at the front of a buffer that is used again after the call. Returning false stops reading. */
  onRead(bytes: number, buffer: Buffer): boolean;
  /** After a write returned false: everything written has gone to the operating system. */
  onWritable(): void;
  /** The upstream sends no more. */
  onUpstreamEnd(): void;
  /** The connection is gone; nothing follows. Not called when the user destroyed it. */
  onLost(reason: string): void;
  /** The deadline that the user has set on the connection is over. */
  onDeadline(): void;
}

/** What a connection tells the pool that it belongs to. */
export interface ConnectionHome {
  onEstablished(): void;
  /** @param reason the system's error code where there is one; absent when it was closed here or by the upstream */
  onGone(connection: UpstreamConnection, reason: string | undefined): void;
}

export interface ConnectionOptions {
  /** Being connected, and owned from now on. */
  readonly socket: Socket;
  /** The socket's event after which the connection is made. */
  readonly establishedBy: string;
  /** How long that may take, in ms. */
  readonly connectTimeout: number;
  /** Whether the kind of socket can say that it was aborted. */
  readonly canReset: boolean;
  /** Whom it is for; absent: anybody. */
  readonly client?: string | undefined;
  readonly user: ConnectionUser;
  readonly home: ConnectionHome;
}

/** One connection to a service, used by one exchange after the other. */
export class UpstreamConnection extends Deadlined implements SocketOwner {
  readonly socket: OwnedSocket;
  established = false;
  /** Whether an exchange was completed on it before the one at hand. */
  reused = false;
  /** On the coarse clock, ms: since when nobody uses it. */
  idleSince = 0;
  readonly client: string | undefined;
  readonly #home: ConnectionHome;
  readonly #canReset: boolean;
  #user: ConnectionUser | undefined;
  #reason: string | undefined;

  constructor(options: ConnectionOptions) {
    super();
    const { socket } = options;
    this.client = options.client;
    this.#home = options.home;
    this.#canReset = options.canReset;
    this.#user = options.user;
    this.deadline = coarseNow() + options.connectTimeout;
    this.socket = own(socket, this);
    socket.once(options.establishedBy, () => this.#onEstablished());
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#reason ??= error.code ?? error.message;
    });
  }

  /** From now on it is that user's; without one the connection waits for the next. */
  hand(user: ConnectionUser | undefined): void {
    this.#user = user;
  }

  /** Closes it; the user is told nothing. */
  destroy(): void {
    this.#user = undefined;
    this.socket.destroy();
  }

  /** Closes it so that the upstream sees an abort, not an end. */
  abort(): void {
    if (!this.#canReset || !this.established) return this.destroy();
    this.#user = undefined;
    abort(this.socket);
  }

  #onEstablished(): void {
    this.established = true;
    this.#home.onEstablished();
    this.#user?.onConnected();
  }

  onSocketRead(bytes: number, buffer: Buffer): boolean {
    if (this.#user !== undefined) return this.#user.onRead(bytes, buffer);
    // Nobody asked anything: whatever this is, the next request must not get it as its answer.
    this.#reason = 'unexpected bytes';
    this.socket.destroy();
    return false;
  }

  onSocketDrain(): void {
    this.#user?.onWritable();
  }

  onSocketEnd(): void {
    if (this.#user === undefined) this.socket.destroy();
    else this.#user.onUpstreamEnd();
  }

  onSocketClose(): void {
    this.#home.onGone(this, this.#reason);
    const user = this.#user;
    this.#user = undefined;
    user?.onLost(this.#reason ?? 'connection closed');
  }

  onDeadline(): void {
    if (!this.established) {
      this.deadline = Infinity;
      this.#reason = 'connect timeout';
      this.socket.destroy();
    } else if (this.#user === undefined) this.socket.destroy();
    else this.#user.onDeadline();
  }
}
