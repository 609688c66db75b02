import type { HostRoutes } from '@culvert/routing';
import { remoteText } from '@culvert/socket';
import type { Logger } from '@culvert/telemetry';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { EdgeCounters } from '../counters.ts';
import type { ReadyRoute } from '../ready-route.ts';
import type { Resolver } from '../resolver.ts';
import { CertificateStore } from './certificate-store.ts';
import type { TlsListenerSettings } from './certificate-store.ts';
import { TlsTerminator } from './tls-terminator.ts';

export interface TerminationOptions {
  /** The entry point, for the log. */
  readonly what: string;
  readonly tls: TlsListenerSettings;
  readonly ticketKeys: Buffer;
  readonly handshakeTimeoutMs: number;
  readonly resolver: Resolver;
  readonly counters: EdgeCounters;
  readonly logger: Logger;
}

/** What becomes of a TLS connection: one of the two is called, unless it breaks before. */
export interface TlsTarget {
  /** The handshake is over; the socket's bytes are in clear. */
  onSecure(socket: TLSSocket): void;
  /** TLS is the tunnel's business; `first` is what was read. */
  onPassThrough(first: Buffer): void;
}

/** By preference; a client that offers others alone is refused by a `no_application_protocol` alert. */
const ALPN = ['http/1.1'];

/** TLS at an entry point with certificates: terminated, but for server names whose route passes it through. */
export class Termination {
  readonly #options: TerminationOptions;
  readonly #store: CertificateStore;
  readonly #terminator: TlsTerminator;

  private constructor(options: TerminationOptions, store: CertificateStore) {
    const { tls, handshakeTimeoutMs } = options;
    this.#options = options;
    this.#store = store;
    this.#terminator = new TlsTerminator({
      store,
      alpn: ALPN,
      halfOpen: true,
      handshakeTimeoutMs,
      ...(tls.clientCertificates === undefined ? {} : { clientCertificates: tls.clientCertificates.mode }),
    });
  }

  /** Reads the certificates and watches them. Throws CertificateError. */
  static async open(options: TerminationOptions): Promise<Termination> {
    const { what, tls, ticketKeys, logger } = options;
    return new Termination(options, await CertificateStore.open({ what, tls, ticketKeys, logger }));
  }

  /** Reads the certificates again. */
  reload(): Promise<void> {
    return this.#store.reload();
  }

  /** Watches the certificates no more; connections go on. */
  close(): void {
    this.#store.close();
  }

  /** Takes a connection over; `first` is a view of what was read of it, valid during the call. */
  take(socket: Socket, serverName: string | undefined, first: Buffer, target: TlsTarget): void {
    if (serverName === undefined) return this.#terminate(socket, first, target);
    const known = this.#options.resolver.known(serverName);
    if (known !== undefined) return this.#byRoute(known, socket, first, target);
    socket.pause();
    const kept = Buffer.from(first);
    this.#options.resolver.resolve(serverName).then(
      (routes) => this.#byRoute(routes, socket, kept, target),
      // A name that nobody can look up is answered in HTTP, if that is what follows.
      () => this.#terminate(socket, kept, target),
    );
  }

  #byRoute(routes: HostRoutes<ReadyRoute>, socket: Socket, first: Buffer, target: TlsTarget): void {
    if (socket.destroyed) return;
    if (routes.match('/')?.passesTls !== true) return this.#terminate(socket, first, target);
    target.onPassThrough(first);
    socket.resume();
  }

  #terminate(socket: Socket, first: Buffer, target: TlsTarget): void {
    if (socket.destroyed) return;
    const { counters, logger, what } = this.#options;
    const client = remoteText(socket);
    this.#terminator.take(socket, first, {
      onSecure: (secure) => {
        counters.tlsHandshakes++;
        if (secure.isSessionReused()) counters.tlsResumptions++;
        target.onSecure(secure);
      },
      onHandshakeFailed: (reason) => {
        counters.tlsFailures++;
        logger.debug('TLS handshake failed', { listener: what, client, reason });
      },
    });
  }
}
