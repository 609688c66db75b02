import type { HostRoutes } from '@culvert/routing';
import { remoteText } from '@culvert/socket';
import type { Logger } from '@culvert/telemetry';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { EdgeCounters } from '../counters.ts';
import type { ReadyRoute } from '../delivery/ready-route.ts';
import type { Resolver } from '../delivery/resolver.ts';
import type { EntryRules } from '../entry/entry-rules.ts';
import { CertificateStore } from './certificate-store.ts';
import type { TlsListenerSettings } from './certificate-store.ts';
import { clientCertificateFields } from './client-certificate.ts';
import type { ClientCertificateHeaders } from './client-certificate.ts';
import { SecureRules } from './secure-rules.ts';
import { TlsTerminator } from './tls-terminator.ts';

export interface TerminationOptions {
  /** The entry point, for the log. */
  readonly what: string;
  readonly tls: EntryTlsSettings;
  readonly ticketKeys: Buffer;
  readonly http2: boolean;
  /** Value of Strict-Transport-Security. */
  readonly hsts: string | undefined;
  /** Names, in lower case, of fields that clients may not send. */
  readonly withheld: ReadonlySet<string> | undefined;
  readonly handshakeTimeoutMs: number;
  readonly resolver: Resolver;
  readonly counters: EdgeCounters;
  readonly logger: Logger;
}

export interface EntryTlsSettings extends TlsListenerSettings {
  readonly clientCertificates?: NonNullable<TlsListenerSettings['clientCertificates']> &
    ClientCertificateHeaders;
}

/** What becomes of a TLS connection: one of the two is called, unless it breaks before. */
export interface TlsTarget {
  /** The handshake is over; the socket's bytes are in clear. */
  onSecure(socket: TLSSocket, rules: EntryRules): void;
  /** TLS is the tunnel's business; `first` is what was read. */
  onPassThrough(first: Buffer): void;
}

/** TLS at an entry point with certificates: terminated, but for server names whose route passes it through. */
export class Termination {
  readonly #options: TerminationOptions;
  readonly #store: CertificateStore;
  readonly #terminator: TlsTerminator;

  private constructor(options: TerminationOptions, store: CertificateStore) {
    const { tls, http2, handshakeTimeoutMs } = options;
    this.#options = options;
    this.#store = store;
    this.#terminator = new TlsTerminator({
      store,
      alpn: http2 ? ['h2', 'http/1.1'] : ['http/1.1'],
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
    if (serverName === undefined) return this.#terminate(socket, undefined, first, target);
    const known = this.#options.resolver.known(serverName);
    if (known !== undefined) return this.#byRoute(known, socket, serverName, first, target);
    socket.pause();
    const kept = Buffer.from(first);
    this.#options.resolver.resolve(serverName).then(
      (routes) => this.#byRoute(routes, socket, serverName, kept, target),
      // A name that nobody can look up is answered in HTTP, if that is what follows.
      () => this.#terminate(socket, serverName, kept, target),
    );
  }

  #byRoute(
    routes: HostRoutes<ReadyRoute>,
    socket: Socket,
    serverName: string,
    first: Buffer,
    target: TlsTarget,
  ): void {
    if (socket.destroyed) return;
    if (routes.match('/')?.passesTls !== true) return this.#terminate(socket, serverName, first, target);
    target.onPassThrough(first);
    socket.resume();
  }

  #terminate(socket: Socket, serverName: string | undefined, first: Buffer, target: TlsTarget): void {
    if (socket.destroyed) return;
    const client = remoteText(socket);
    this.#terminator.take(socket, serverName, first, {
      onSecure: (secure) => this.#onSecure(secure, serverName, client, target),
      onHandshakeFailed: (reason) => this.#onFailed(client, reason),
    });
  }

  #onSecure(socket: TLSSocket, serverName: string | undefined, client: string, target: TlsTarget): void {
    const { counters, hsts, withheld } = this.#options;
    const requestFields = this.#requestFields(socket);
    if (requestFields === undefined) {
      this.#onFailed(client, 'client certificate: subject too long');
      return void socket.destroy();
    }
    counters.tlsHandshakes++;
    if (socket.isSessionReused()) counters.tlsResumptions++;
    target.onSecure(
      socket,
      new SecureRules({ store: this.#store, serverName, hsts, withheld, requestFields }),
    );
  }

  #onFailed(client: string, reason: string): void {
    const { counters, logger, what } = this.#options;
    counters.tlsFailures++;
    logger.debug('TLS handshake failed', { listener: what, client, reason });
  }

  #requestFields(socket: TLSSocket): string | undefined {
    const { clientCertificates } = this.#options.tls;
    if (clientCertificates === undefined) return '';
    const certificate = socket.getPeerX509Certificate();
    return certificate === undefined ? '' : clientCertificateFields(certificate, clientCertificates);
  }
}
