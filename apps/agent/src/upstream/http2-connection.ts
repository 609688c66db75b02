import type { ClientHttp2Session, ClientHttp2Stream, Settings } from 'node:http2';
import type { Socket } from 'node:net';
import { Deadlined, coarseNow } from '@culvert/lifecycle';

/** What a connection tells the pool that it belongs to. */
export interface Http2Home {
  /** The upstream has said how many streams it takes, or one has ended. */
  onRoom(connection: Http2Connection): void;
  /** @param reason why; absent when it was closed properly */
  onGone(connection: Http2Connection, reason: string | undefined): void;
}

export interface Http2ConnectionOptions {
  /** Being connected, and owned from now on. */
  readonly socket: Socket;
  readonly secure: boolean;
  /** How long it may take until the upstream has said that it speaks HTTP/2, in ms. */
  readonly connectTimeout: number;
  /** How long it is kept without streams, in ms. */
  readonly keepAlive: number;
  /** Most fields in an answer's head. */
  readonly maxFields: number;
  readonly home: Http2Home;
}

/** Streams that one connection carries at most, whatever more the upstream allows: beyond it another one helps more. */
const MAX_STREAMS = 250;
/** Ids are 31 bits, every other one is ours; a connection that has used most of them is replaced. */
const MAX_REQUESTS = 2 ** 30 - 1_000;
/** Of one stream. A stalled one pins no more than this. */
const STREAM_WINDOW_BYTES = 262_144;
const CONNECTION_WINDOW_BYTES = 1_048_576;
/**
 * A connection that has been silent for so long is asked whether it still lives when it gets its next request. Never
 * in between: gRPC servers take offence at pings without need.
 */
const SILENCE_MS = 10_000;
const PING_TIMEOUT_MS = 5_000;

/** One HTTP/2 connection to a service and its streams. */
export class Http2Connection extends Deadlined {
  /** Streams now. */
  streams = 0;
  /** Whether the upstream takes extended CONNECT (RFC 8441). */
  takesConnect = false;
  /** Streams beyond it were not looked at by the upstream, which has sent GOAWAY. */
  lastStreamId = Infinity;
  /** On the coarse clock, ms: when something of the upstream was last heard. */
  heardAt = 0;
  /** The first SETTINGS are here: it is HTTP/2, and how many streams it takes is known. */
  ready = false;
  readonly #home: Http2Home;
  readonly #socket: Socket;
  readonly #session: ClientHttp2Session;
  readonly #keepAlive: number;
  #maxStreams = 0;
  #opened = 0;
  #leaving = false;
  #probing = false;
  #reason: string | undefined;

  constructor(options: Http2ConnectionOptions) {
    super();
    const { socket, secure } = options;
    this.#home = options.home;
    this.#keepAlive = options.keepAlive;
    this.#socket = socket;
    this.deadline = coarseNow() + options.connectTimeout;
    // Loaded by the first use: an agent whose services all speak HTTP/1.1 does without its memory.
    const sessionOptions = {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES },
      maxHeaderListPairs: options.maxFields + 1,
      // Fields that may occur once only are the business of client and service.
      strictSingleValueFields: false,
      // Its own limit counts what windows bound already, and answers by refusing streams.
      maxSessionMemory: 1_024,
    };
    const scheme = secure ? 'https' : 'http';
    this.#session = process.getBuiltinModule('node:http2').connect(`${scheme}://localhost`, sessionOptions);
    if (secure) socket.once('secureConnect', () => this.#checkProtocol());
    this.#listen();
  }

  /** Whether another stream may be opened. */
  get hasRoom(): boolean {
    return this.ready && !this.#leaving && this.streams < this.#maxStreams && this.#opened < MAX_REQUESTS;
  }

  /** Whether the upstream takes no streams for now. */
  get refusesAll(): boolean {
    return this.ready && !this.#leaving && this.#maxStreams === 0;
  }

  /** Streams that the upstream takes at a time. */
  get maxStreams(): number {
    return this.#maxStreams;
  }

  /** Whether a request was carried before the one at hand. */
  get reused(): boolean {
    return this.#opened > 1;
  }

  /** Whether all of its streams have ended with it. */
  get lost(): boolean {
    return this.#session.destroyed;
  }

  get reason(): string {
    return this.#reason ?? 'connection closed';
  }

  /** Opens a stream; `released` must be called when it is closed. Only while there is room. */
  open(
    headers: readonly string[],
    options: { readonly endStream: boolean; readonly waitForTrailers: boolean },
  ): ClientHttp2Stream {
    const now = coarseNow();
    if (this.streams === 0) this.deadline = Infinity;
    if (now - this.heardAt > SILENCE_MS && !this.#probing) this.#probe();
    this.streams++;
    this.#opened++;
    return this.#session.request(headers, options);
  }

  /** A stream is closed. */
  released(): void {
    this.streams--;
    if (this.streams === 0) this.deadline = coarseNow() + this.#keepAlive;
    this.#home.onRoom(this);
  }

  /** Takes no new streams, and closes when there are none. */
  leave(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    if (this.ready) this.#session.close();
    else this.destroy();
  }

  destroy(reason?: string): void {
    this.#reason ??= reason;
    this.#leaving = true;
    this.#session.destroy();
    this.#socket.destroy();
  }

  onDeadline(): void {
    this.deadline = Infinity;
    if (!this.ready) return this.destroy('connect timeout');
    if (this.streams === 0) return this.leave();
    this.destroy('no answer to a ping');
  }

  #listen(): void {
    const session = this.#session;
    session.on('connect', () => session.setLocalWindowSize(CONNECTION_WINDOW_BYTES));
    session.on('remoteSettings', (settings: Settings) => {
      this.#maxStreams = Math.min(settings.maxConcurrentStreams ?? Infinity, MAX_STREAMS);
      this.takesConnect = settings.enableConnectProtocol === true;
      this.heardAt = coarseNow();
      if (!this.ready) this.deadline = this.heardAt + this.#keepAlive;
      this.ready = true;
      this.#home.onRoom(this);
    });
    session.on('goaway', (_code: number, lastStreamId?: number) => {
      this.#leaving = true;
      this.lastStreamId = lastStreamId ?? Infinity;
    });
    session.on('error', (error: NodeJS.ErrnoException) => {
      this.#reason ??= this.ready ? reasonOf(error) : failureOf(error);
    });
    session.on('close', () => {
      this.#leaving = true;
      this.#home.onGone(this, this.#reason);
    });
  }

  /** What was not agreed on must not be spoken: the other side would take it for HTTP/1.1. */
  #checkProtocol(): void {
    const { alpnProtocol } = this.#socket as Socket & { readonly alpnProtocol?: string | false | null };
    if (alpnProtocol !== 'h2') this.destroy('HTTP/2 not agreed on');
  }

  #probe(): void {
    this.#probing = true;
    this.deadline = coarseNow() + PING_TIMEOUT_MS;
    this.#session.ping(() => {
      this.#probing = false;
      this.heardAt = coarseNow();
      this.deadline = this.streams === 0 ? this.heardAt + this.#keepAlive : Infinity;
    });
  }
}

function reasonOf(error: NodeJS.ErrnoException): string {
  return error.code ?? error.message;
}

/** Before its first SETTINGS, an upstream that breaks the protocol most likely speaks another one. */
function failureOf(error: NodeJS.ErrnoException): string {
  const reason = reasonOf(error);
  return reason.startsWith('ERR_HTTP2_') ? 'not HTTP/2' : reason;
}
