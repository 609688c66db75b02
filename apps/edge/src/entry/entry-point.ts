import { formatAddress, listen } from '@culvert/lifecycle';
import type { ListenAddress } from '@culvert/lifecycle';
import type { ProxyHeader } from '@culvert/sniff';
import type { Logger } from '@culvert/telemetry';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Admission } from './admission.ts';
import { PlainRules } from './entry-rules.ts';
import type { EntryRules } from './entry-rules.ts';
import type { Forwarding } from '../http/forwarding.ts';
import { Http1Connection } from '../http/http1-connection.ts';
import type { HttpContext } from '../http/http-context.ts';
import { Http2Connection } from '../http/http2-connection.ts';
import { OVERLOADED } from '../overload.ts';
import { peerOf } from './peer.ts';
import type { Peer } from './peer.ts';
import { believedPeer } from './proxy-header.ts';
import { RawConnection } from '../raw/raw-connection.ts';
import { Sniffing } from './sniffing.ts';
import type { SniffTarget } from './sniffing.ts';
import { Termination } from '../tls/termination.ts';
import type { EntryTlsSettings } from '../tls/termination.ts';

const NOTHING = Buffer.alloc(0);

export interface EntryPointOptions {
  readonly listen: ListenAddress;
  readonly http2: boolean;
  readonly connect: boolean;
  readonly context: HttpContext;
  readonly admission: Admission;
  readonly proxyProtocol: 'accept' | 'require' | 'off';
  readonly sniffTimeoutMs: number;
  /** Absent: TLS is passed through by server name. */
  readonly tls: EntryTlsSettings | undefined;
  /** Requests in clear are sent there. */
  readonly httpsPort: number | undefined;
  /** Value of Strict-Transport-Security for responses over TLS. */
  readonly hsts: string | undefined;
  /** Names, in lower case, of fields that clients may not send. */
  readonly withheld: ReadonlySet<string> | undefined;
  readonly handshakeTimeoutMs: number;
  readonly ticketKeys: Buffer;
  readonly logger: Logger;
}

/** A public listener: admits connections, finds out what they are, gives them to who speaks it. */
export class EntryPoint implements SniffTarget {
  readonly #options: EntryPointOptions;
  #server: Server;
  readonly #plainRules: EntryRules | undefined;
  #address: ListenAddress | undefined;
  #termination: Termination | undefined;

  constructor(options: EntryPointOptions) {
    this.#options = options;
    const { httpsPort, withheld } = options;
    const rules = httpsPort === undefined && withheld === undefined;
    this.#plainRules = rules ? undefined : new PlainRules(httpsPort, withheld);
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.#accept(socket));
    this.#server.on('error', (error) => options.logger.error('entry point failed', { error }));
  }

  /** With the port that was assigned. */
  get address(): ListenAddress | undefined {
    return this.#address;
  }

  /** Reads its certificates. Throws CertificateError. */
  async prepare(): Promise<void> {
    this.#termination = await this.#openTermination();
  }

  /** Throws what `listen` throws. */
  async listen(): Promise<void> {
    this.#address = await listen(this.#server, this.#options.listen, 'entry point');
  }

  /** Reads the certificates again; connections are not touched. */
  async reloadCertificates(): Promise<void> {
    await this.#termination?.reload();
  }

  /** Goes on with the listener of an entry point that was made with other settings; what runs goes by those. */
  succeed(former: EntryPoint): void {
    former.#termination?.close();
    this.#server = former.#server;
    this.#address = former.#address;
    this.#server.removeAllListeners('connection').on('connection', (socket: Socket) => this.#accept(socket));
  }

  /** Accepts no more; what runs here is not touched. */
  close(): void {
    this.#server.close();
    this.#termination?.close();
  }

  onHttp1(socket: Socket, first: Buffer, peer: Peer): void {
    const { context, connect } = this.#options;
    const client = this.#forwarding.client(peer, 'http', this.#plainRules);
    const connection = new Http1Connection(context, socket, client, connect);
    if (connection.onSocketRead(first.length, first) === false) socket.pause();
  }

  /** With prior knowledge, in clear (RFC 9113 §3.3). */
  onHttp2(socket: Socket, first: Buffer, peer: Peer): void {
    const { context, http2 } = this.#options;
    if (!http2) return this.onGarbage(socket, 'http2');
    new Http2Connection(context, socket, this.#forwarding.client(peer, 'http', this.#plainRules), first);
  }

  onTls(socket: Socket, serverName: string | undefined, first: Buffer, peer: Peer): void {
    // Before the handshake: it costs more than all requests that are going to be refused.
    if (this.#options.context.overload.refusesNew()) return refuseConnection(socket, this.#options.context);
    if (this.#termination === undefined) return this.#passThrough(socket, serverName, first, peer);
    this.#termination.take(socket, serverName, first, {
      onSecure: (secure, rules) => this.#onSecure(secure, peer, rules),
      onPassThrough: (kept) => this.#passThrough(socket, serverName, kept, peer),
    });
  }

  onProxyHeader(socket: Socket, header: ProxyHeader, peer: Peer): Peer | undefined {
    if (!peer.trusted) {
      this.onGarbage(socket, 'a header of the PROXY protocol from a stranger');
      return undefined;
    }
    const { admission, context } = this.#options;
    return believedPeer(socket, header, peer, { admission, context });
  }

  onGarbage(socket: Socket, reason: string): void {
    this.#options.context.ways.counters.garbage++;
    this.#options.logger.debug('garbage on an entry point', { client: socket.remoteAddress, reason });
    socket.destroy();
  }

  #onSecure(socket: TLSSocket, peer: Peer, rules: EntryRules): void {
    const { context, connect } = this.#options;
    const client = this.#forwarding.client(peer, 'https', rules);
    if (socket.alpnProtocol === 'h2') new Http2Connection(context, socket, client, NOTHING);
    else new Http1Connection(context, socket, client, connect);
  }

  #passThrough(socket: Socket, serverName: string | undefined, first: Buffer, peer: Peer): void {
    if (serverName === undefined) return this.onGarbage(socket, 'TLS without a server name');
    const client = this.#forwarding.client(peer, 'https');
    const { context } = this.#options;
    const kept = Buffer.from(first);
    new RawConnection({ context, socket, client, hostname: serverName, first: kept }).start();
  }

  async #openTermination(): Promise<Termination | undefined> {
    const { tls, listen: at, context, ...others } = this.#options;
    if (tls === undefined) return undefined;
    const { resolver, counters } = context.ways;
    const what = `entry point ${formatAddress(at)}`;
    return Termination.open({ ...others, what, tls, resolver, counters });
  }

  get #forwarding(): Forwarding {
    return this.#options.context.forwarding;
  }

  #accept(socket: Socket): void {
    const { admission, context, sniffTimeoutMs, proxyProtocol } = this.#options;
    const peer = peerOf(socket, context.forwarding.trusted);
    const limited = peer.trusted ? undefined : peer.address;
    if (!admission.enter(limited)) {
      context.ways.counters.connectionsRefused++;
      socket.resetAndDestroy();
      return;
    }
    context.ways.counters.connections++;
    socket.once('close', () => admission.leave(limited));
    const { deadlines } = context;
    new Sniffing({ socket, peer, target: this, deadlines, timeoutMs: sniffTimeoutMs, proxyProtocol });
  }
}

/** By a reset: there are no words for it yet that the client would understand. */
function refuseConnection(socket: Socket, { ways }: HttpContext): void {
  ways.counters.countRefusal(OVERLOADED.code);
  socket.resetAndDestroy();
}
