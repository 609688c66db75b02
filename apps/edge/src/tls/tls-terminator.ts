import type { Socket } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import type { CertificateStore, ServedIdentity } from './certificate-store.ts';

export interface TlsTerminatorOptions {
  readonly store: CertificateStore;
  /** By preference; a client that offers only others is refused (RFC 7301 §3.2). Absent: none is negotiated. */
  readonly alpn?: readonly string[];
  /** Absent: clients are not asked for a certificate. */
  readonly clientCertificates?: 'request' | 'require';
  /** Whether a client that sends no more may still be sent to. */
  readonly halfOpen: boolean;
  readonly handshakeTimeoutMs: number;
}

/** Who has given a connection to be terminated; exactly one of the two is called. */
export interface HandshakeOutcome {
  onSecure(socket: TLSSocket): void;
  /** The connection is closed afterwards. */
  onHandshakeFailed(reason: string): void;
}

/** The server side of TLS over connections that others have accepted, with the certificates that are in force. */
export class TlsTerminator {
  readonly #options: TlsTerminatorOptions;
  /**
   * One for each identity: node:tls takes over only one certificate of the context that `SNICallback` names, and
   * leaves those of the default beside it, which clients may get instead where the types of the keys differ.
   */
  readonly #servers = new WeakMap<ServedIdentity, Server>();
  readonly #outcomes = new WeakMap<Socket, HandshakeOutcome>();

  constructor(options: TlsTerminatorOptions) {
    this.#options = options;
  }

  /**
   * Takes a connection over; `first` is what was read of it, and is copied.
   * @param serverName that of the ClientHello, in lower case
   */
  take(raw: Socket, serverName: string | undefined, first: Buffer, outcome: HandshakeOutcome): void {
    this.#outcomes.set(raw, outcome);
    // The TLS socket takes it over: there is nothing to be sent to who leaves in the middle of a handshake.
    raw.allowHalfOpen = false;
    raw.pause();
    raw.unshift(Buffer.from(first));
    this.#serverOf(this.#options.store.choice.for(serverName)).emit('connection', raw);
  }

  #serverOf(identity: ServedIdentity): Server {
    const known = this.#servers.get(identity);
    if (known !== undefined) return known;
    const { alpn, clientCertificates, handshakeTimeoutMs } = this.#options;
    const server = process.getBuiltinModule('node:tls').createServer({
      ...identity.options,
      ...(alpn === undefined ? {} : { ALPNProtocols: [...alpn] }),
      requestCert: clientCertificates !== undefined,
      rejectUnauthorized: clientCertificates === 'require',
      handshakeTimeout: handshakeTimeoutMs,
    });
    server.on('secureConnection', (socket) => this.#onSecure(socket));
    server.on('tlsClientError', (error, socket) => this.#onFailed(socket, reasonOf(error)));
    this.#servers.set(identity, server);
    return server;
  }

  #onSecure(socket: TLSSocket): void {
    const raw = rawOf(socket);
    // Of a TLS connection node:net resets nothing; cut below TLS the other end sees an abort, and no clean end.
    socket.resetAndDestroy = () => {
      raw.resetAndDestroy();
      return socket;
    };
    // Unlike a plain socket's, an error of TLS does not close the socket.
    socket.on('error', () => socket.destroy());
    const isUnproven = this.#options.clientCertificates !== undefined && !socket.authorized;
    if (isUnproven && socket.getPeerX509Certificate() !== undefined) {
      return this.#onFailed(socket, `client certificate: ${socket.authorizationError.message}`);
    }
    socket.allowHalfOpen = this.#options.halfOpen;
    this.#takeOutcome(raw)?.onSecure(socket);
  }

  #onFailed(socket: TLSSocket, reason: string): void {
    this.#takeOutcome(rawOf(socket))?.onHandshakeFailed(reason);
    socket.destroy();
  }

  #takeOutcome(raw: Socket): HandshakeOutcome | undefined {
    const outcome = this.#outcomes.get(raw);
    this.#outcomes.delete(raw);
    return outcome;
  }
}

/** node:tls keeps the socket that it was given here, without telling in its types. */
function rawOf(socket: TLSSocket): Socket {
  return (socket as unknown as { readonly _parent: Socket })._parent;
}

/** OpenSSL's own phrase without its place in the source. */
function reasonOf(error: Error & { readonly reason?: string; readonly code?: string }): string {
  return error.reason ?? error.code ?? error.message;
}
