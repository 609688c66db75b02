import { SocketCarrier, WebSocketCarrier, acceptLink } from '@culvert/link';
import type { Admission, Carrier, StreamMemory } from '@culvert/link';
import { listen } from '@culvert/lifecycle';
import type { ListenAddress } from '@culvert/lifecycle';
import { sniff } from '@culvert/sniff';
import { remoteText } from '@culvert/socket';
import type { Logger } from '@culvert/telemetry';
import {
  MAX_MESSAGE_BYTES,
  PREFACE,
  PREFACE_BYTES,
  WEBSOCKET_PATH,
  WEBSOCKET_SUBPROTOCOL,
} from '@culvert/wire';
import type { HelloBody } from '@culvert/wire';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { CertificateStore } from '../tls/certificate-store.ts';
import { TlsTerminator } from '../tls/tls-terminator.ts';

const TLS_HANDSHAKE = 0x16;
const LETTER_G = 0x47;

export interface LinkListenerOptions {
  readonly what: string;
  readonly listen: ListenAddress;
  /** Absent: TLS is refused. */
  readonly certificates: CertificateStore | undefined;
  /** Whether links are taken only of who shows a certificate of the store's authorities. */
  readonly mutualTls: boolean;
  /** Peers are admitted with it, and only with it. */
  readonly secret: string | undefined;
  readonly memory: StreamMemory;
  readonly maxStreams: number;
  readonly window: number;
  readonly helloTimeoutMs: number;
  readonly logger: Logger;
  readonly admit: (hello: HelloBody, remote: string) => Promise<Admission>;
  readonly onGarbage: (remote: string, reason: string) => void;
}

/** Accepts links: TCP, TLS and WebSocket on one port, told apart by their first bytes. */
export class LinkListener {
  readonly #options: LinkListenerOptions;
  readonly #server: Server;
  readonly #unattached = new Set<Socket>();
  readonly #tls: TlsTerminator | undefined;
  #address: ListenAddress | undefined;
  #webSockets: Promise<(socket: Socket) => void> | undefined;

  constructor(options: LinkListenerOptions) {
    this.#options = options;
    this.#server = createServer({ noDelay: true, keepAlive: true }, (socket) => this.#sniff(socket));
    const { certificates: store, helloTimeoutMs: handshakeTimeoutMs, mutualTls } = options;
    if (store !== undefined) {
      const asks = mutualTls ? { clientCertificates: 'require' as const } : {};
      this.#tls = new TlsTerminator({ store, handshakeTimeoutMs, halfOpen: false, ...asks });
    }
  }

  /** With the port that was assigned. */
  get address(): ListenAddress | undefined {
    return this.#address;
  }

  async start(): Promise<void> {
    this.#address = await listen(this.#server, this.#options.listen, this.#options.what);
  }

  /** Listens on a Unix socket instead. */
  async startAt(path: string): Promise<void> {
    this.#server.listen(path);
    await once(this.#server, 'listening');
  }

  /** Accepts no more; the links that are here stay. */
  close(): void {
    this.#server.close();
  }

  /** Accepts no more and cuts every connection that is left, attached or not. */
  stop(): void {
    this.#options.certificates?.close();
    this.#server.close();
    for (const socket of this.#unattached) socket.destroy();
  }

  /** Waits for the first bytes of a plain or decrypted connection. */
  #sniff(socket: Socket): void {
    const remote = remoteText(socket);
    const { helloTimeoutMs } = this.#options;
    this.#unattached.add(socket);
    const timer = setTimeout(() => this.#drop(socket, remote, 'nothing came in time'), helloTimeoutMs);
    let first: Buffer = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      first = first.length === 0 ? chunk : Buffer.concat([first, chunk]);
      if (first.length < PREFACE_BYTES && couldBecome(first)) return;
      if (first[0] === TLS_HANDSHAKE && this.#tls !== undefined && !isWholeHello(first)) return;
      clearTimeout(timer);
      socket.off('data', onData);
      socket.pause();
      this.#dispatch(socket, first, remote);
    };
    socket.on('data', onData);
    socket.on('error', () => undefined);
    socket.once('close', () => {
      clearTimeout(timer);
      this.#unattached.delete(socket);
    });
  }

  #dispatch(socket: Socket, first: Buffer, remote: string): void {
    const isEncrypted = 'encrypted' in socket;
    if (this.#options.mutualTls && !isEncrypted && first[0] !== TLS_HANDSHAKE) {
      this.#drop(socket, remote, 'not TLS');
    } else if (first.toString('latin1', 0, PREFACE_BYTES) === PREFACE) {
      this.#accept(new SocketCarrier(socket, first.subarray(PREFACE_BYTES)), 'read');
    } else if (first[0] === TLS_HANDSHAKE && this.#tls !== undefined && !isEncrypted) {
      const verdict = sniff(first, first.length);
      if (verdict.kind !== 'tls') return this.#drop(socket, remote, 'TLS with a broken hello');
      this.#tls.take(socket, verdict.serverName, first, {
        onSecure: (secure) => this.#sniff(secure),
        onHandshakeFailed: (reason) => this.#options.onGarbage(remote, `TLS: ${reason}`),
      });
    } else if (first[0] === LETTER_G) {
      this.#webSockets ??= this.#startWebSockets();
      this.#handOver(socket, first, this.#webSockets);
    } else {
      const isTls = first[0] === TLS_HANDSHAKE;
      this.#drop(socket, remote, isTls ? 'TLS where no certificate is configured' : 'not the link protocol');
    }
  }

  #handOver(socket: Socket, first: Buffer, server: Promise<(socket: Socket) => void>): void {
    server.then(
      (take) => {
        if (socket.destroyed) return;
        socket.unshift(first);
        take(socket);
      },
      (error: unknown) => this.#options.logger.error('link listener failed', { error }),
    );
  }

  #accept(carrier: Carrier, preface: 'read' | 'ahead'): void {
    const { memory, maxStreams, window, helloTimeoutMs, secret, admit, onGarbage } = this.#options;
    acceptLink({
      carrier,
      preface,
      memory,
      maxStreams,
      window,
      timeoutMs: helloTimeoutMs,
      ...(secret === undefined ? {} : { secret }),
      admit: (hello) => admit(hello, carrier.remote),
      onRefused: (reason) => onGarbage(carrier.remote, reason),
    });
  }

  #drop(socket: Socket, remote: string, reason: string): void {
    socket.destroy();
    this.#options.onGarbage(remote, reason);
  }

  /** Upgrades at the link's path; everything else on this port is answered 404. */
  async #startWebSockets(): Promise<(socket: Socket) => void> {
    const { WebSocketServer } = await import('ws');
    const { createServer: createHttpServer } = process.getBuiltinModule('node:http');
    const webSockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: MAX_MESSAGE_BYTES,
      handleProtocols: (offered) => (offered.has(WEBSOCKET_SUBPROTOCOL) ? WEBSOCKET_SUBPROTOCOL : false),
    });
    // The server's own limits of time need a listening server.
    const timers = new WeakMap<Duplex, NodeJS.Timeout>();
    const server = createHttpServer((request, response) => {
      this.#options.onGarbage(remoteText(request.socket), 'HTTP that is no link');
      response.writeHead(404, { 'content-type': 'text/plain', connection: 'close' }).end('links only\n');
    });
    server.on('clientError', (error, socket: Socket) =>
      this.#drop(socket, remoteText(socket), error.message),
    );
    server.on('upgrade', (request, socket: Socket, head) => {
      clearTimeout(timers.get(socket));
      if (request.url?.split('?')[0] !== WEBSOCKET_PATH)
        return this.#drop(socket, remoteText(socket), 'upgrade at another path');
      webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        this.#accept(new WebSocketCarrier(webSocket, socket), 'ahead');
      });
    });
    return (socket) => {
      const tooLate = (): void => this.#drop(socket, remoteText(socket), 'no upgrade in time');
      const timer = setTimeout(tooLate, this.#options.helloTimeoutMs);
      timers.set(socket, timer);
      socket.once('close', () => clearTimeout(timer));
      server.emit('connection', socket);
      // Paused while its first bytes were looked at; the server only listens.
      socket.resume();
    };
  }
}

/** Or nothing that could become one. */
function isWholeHello(first: Buffer): boolean {
  return sniff(first, first.length).kind !== 'need-more';
}

/** Whether so few bytes may still be the start of something known. */
function couldBecome(first: Buffer): boolean {
  return first.length > 0 && PREFACE.startsWith(first.toString('latin1'));
}
