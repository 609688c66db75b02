import { Http1Error } from '@culvert/http1';
import { Deadlined, coarseNow } from '@culvert/lifecycle';
import { own } from '@culvert/socket';
import type { SocketOwner } from '@culvert/socket';
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Client } from '../entry/client.ts';
import { withHsts } from '../entry/entry-rules.ts';
import type { HttpContext } from './http-context.ts';
import { Http2ErrorCode } from './http2-error-code.ts';
import { readHttp2Request } from './http2-head.ts';
import { Http2Linger } from './http2-linger.ts';
import { answerOn } from './http2-answer.ts';
import { Http2Side } from './http2-side.ts';
import { clientErrorCode, refusalAnswer, unknownRequest } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { ResetBudget } from './reset-budget.ts';
import { UPLOAD_WINDOW_BYTES } from './upload-hold.ts';
import { newWebSocketKey } from './websocket-key.ts';

/** What a client may send on all streams before it is told that more is taken. */
const CONNECTION_WINDOW_BYTES = 4 * UPLOAD_WINDOW_BYTES;
/** node:http2 counts what it keeps for a session, in MB; new streams beyond that are refused. */
const MAX_SESSION_MEGABYTES = 4;
/** Frames that break the protocol, and streams refused for it, until the connection is closed. */
const MAX_INVALID = 100;
/** A SETTINGS frame has no use for more entries. */
const MAX_SETTINGS = 32;
/** The last id that a client may use: "no more streams, but those on their way are taken" (RFC 9113 §6.8). */
const LAST_STREAM_ID = 2 ** 31 - 1;
/** RFC 9113 §6.5.2: a field counts so much more than its bytes. */
const FIELD_OVERHEAD_BYTES = 32;

class TooManyResets extends Error {
  override readonly name = 'TooManyResets';
}

/** A client's HTTP/2 connection: any number of requests at a time, each routed on its own. */
export class Http2Connection extends Deadlined implements SocketOwner {
  readonly context: HttpContext;
  readonly socket: Socket;
  readonly client: Client;
  readonly #session: ServerHttp2Session;
  readonly #resets = new ResetBudget(coarseNow());
  #streams = 0;
  #closing = false;

  /**
   * @param first what was read of the connection already; copied
   * @param socket may be a TLS socket whose ALPN protocol is h2
   */
  constructor(context: HttpContext, socket: Socket, client: Client, first: Buffer) {
    super();
    this.context = context;
    this.socket = socket;
    this.client = { ...client, via: client.via.replace('1.1', '2.0') };
    own(socket, this);
    // While it flows, what is put back would be given to the owner again.
    socket.pause();
    if (first.length > 0) socket.unshift(Buffer.from(first));
    this.#session = beginSession(socket, context);
    this.#session.on('stream', (stream, _headers: IncomingHttpHeaders, _flags, pairs: string[]) =>
      this.#onStream(stream, pairs),
    );
    // `close` follows; why a stranger's connection broke is nothing to act on.
    this.#session.on('error', () => undefined);
    this.#session.on('close', () => this.socket.destroy());
    this.waitUpTo(context.timeouts.idle);
    context.deadlines.watch(this);
    context.ways.counters.http2Connections++;
    context.ways.counters.http2Open++;
  }

  /** More than nothing while something of an answer may not have gone out. */
  get unsentBytes(): number {
    return this.#streams > 0 || (this.#closing && !this.socket.writableFinished) ? 1 : 0;
  }

  waitUpTo(ms: number): void {
    this.deadline = coarseNow() + ms;
  }

  /** What runs is finished; a request that the client sent before it heard of this is taken as well. */
  drain(): void {
    if (this.#closing) return;
    if (this.#streams === 0) return this.#close();
    this.#session.goaway(Http2ErrorCode.NoError, LAST_STREAM_ID);
    // The answer to a ping comes after everything that was sent before the client knew.
    this.#session.ping(() => this.#close());
  }

  onDeadline(): void {
    if (this.#closing) this.socket.destroy();
    else this.#close();
  }

  // SocketOwner: node:http2 reads and writes

  onSocketRead(): void {}

  onSocketDrain(): void {}

  onSocketEnd(): void {
    this.socket.destroy();
  }

  onSocketClose(): void {
    this.context.deadlines.forget(this);
    this.context.ways.counters.http2Open--;
  }

  /** Ends the connection with its last stream. */
  #close(): void {
    if (this.#closing || this.#session.destroyed) return;
    this.#closing = true;
    if (this.#streams === 0) this.waitUpTo(this.context.timeouts.bodyIdle);
    this.#session.close();
  }

  #onStream(stream: ServerHttp2Stream, pairs: readonly string[]): void {
    // Its end is known from its close.
    stream.on('error', ignore);
    if (stream.destroyed || stream.closed) return this.#countReset();
    this.#streams++;
    this.deadline = Infinity;
    const side = this.#sideOf(stream, pairs);
    stream.on('close', () => {
      side?.gone();
      this.#onStreamClosed(side?.finished ?? true);
    });
    side?.start();
  }

  /** Undefined where the stream was answered already. */
  #sideOf(stream: ServerHttp2Stream, pairs: readonly string[]): Http2Side | undefined {
    const { context, client } = this;
    let webSocketKey: string | undefined;
    const makeKey = (): string => (webSocketKey = newWebSocketKey());
    try {
      const { head, protocol } = readHttp2Request(pairs, stream.endAfterHeaders, context.headLimits, makeKey);
      if (protocol !== undefined && head.upgrade === undefined) {
        return this.#refuse(stream, pairs, {
          code: 'not_implemented',
          reason: 'this protocol is not offered here',
        });
      }
      return new Http2Side({ context, client, stream, head, tunnels: protocol !== undefined, webSocketKey });
    } catch (error) {
      if (!(error instanceof Http1Error)) throw error;
      return this.#refuse(stream, pairs, { code: clientErrorCode(error), reason: error.reason });
    }
  }

  #refuse(stream: ServerHttp2Stream, pairs: readonly string[], refusal: Refusal): undefined {
    this.context.ways.counters.countRefusal(refusal.code);
    const method = pairs[pairs.indexOf(':method') + 1];
    const answer = refusalAnswer(refusal, unknownRequest(this.context));
    answerOn(stream, withHsts(answer, this.client.rules), method);
    if (!stream.endAfterHeaders) new Http2Linger(stream, this.context.deadlines);
  }

  #onStreamClosed(finished: boolean): void {
    this.#streams--;
    if (finished) this.#resets.onAnswered();
    else this.#countReset();
    if (this.#streams > 0) return;
    this.waitUpTo(this.#closing ? this.context.timeouts.bodyIdle : this.context.timeouts.idle);
  }

  #countReset(): void {
    if (this.#resets.onReset(coarseNow()) || this.#session.destroyed) return;
    this.context.ways.counters.http2Calmed++;
    this.#session.destroy(new TooManyResets('too many streams reset'), Http2ErrorCode.EnhanceYourCalm);
  }
}

function ignore(): void {}

/** node:http2 is loaded when somebody speaks it: it takes megabytes. */
function beginSession(socket: Socket, { headLimits, http2Streams }: HttpContext): ServerHttp2Session {
  const session = process.getBuiltinModule('node:http2').performServerHandshake(socket, {
    settings: {
      maxConcurrentStreams: http2Streams,
      // Heads that are somewhat too large can be answered; what is larger is reset as it comes.
      maxHeaderListSize: 2 * headLimits.headBytes + FIELD_OVERHEAD_BYTES * headLimits.fields,
      initialWindowSize: UPLOAD_WINDOW_BYTES,
      enableConnectProtocol: true,
    },
    // Fields that may occur once only are the business of client and service.
    strictSingleValueFields: false,
    maxHeaderListPairs: 2 * headLimits.fields + 8,
    maxSendHeaderBlockLength: 2 * headLimits.headBytes,
    maxSessionMemory: MAX_SESSION_MEGABYTES,
    maxSessionInvalidFrames: MAX_INVALID,
    maxSessionRejectedStreams: MAX_INVALID,
    maxSettings: MAX_SETTINGS,
  });
  session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
  return session;
}
