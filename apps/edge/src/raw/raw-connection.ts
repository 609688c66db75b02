import type { Link, LinkStream, StreamConsumer, StreamEnd } from '@culvert/link';
import { Deadlined, coarseNow } from '@culvert/lifecycle';
import { own } from '@culvert/socket';
import type { SocketOwner } from '@culvert/socket';
import { Protocol, ResetCode, isUndelivered } from '@culvert/wire';
import type { Socket } from 'node:net';
import type { Client } from '../entry/client.ts';
import { Delivery, refusalFor } from '../delivery/delivery.ts';
import type { Caller, Way } from '../delivery/delivery.ts';
import type { HttpContext } from '../http/http-context.ts';
import type { Refusal } from '../http/refusal.ts';
import { PacedStream } from '../pace/paced-stream.ts';
import type { Bandwidth, Policy } from '../policy/policy.ts';
import { RawPipe } from './raw-pipe.ts';
import type { ReadyRoute } from '../delivery/ready-route.ts';

const NOTHING = Buffer.alloc(0);
/** Bytes of the client that are kept until the agent has taken the connection, so that another can be tried. */
const MAX_KEPT_BYTES = 65_536;

/** What a client that has asked for a tunnel by CONNECT is told before the raw bytes begin. */
export interface TunnelAsker {
  onTaken(): void;
  /** Takes the socket back. */
  onRefused(refusal: Refusal): void;
}

/**
 * A connection that is not HTTP to the edge: TLS passed through by its server name, or a port's raw TCP. One
 * stream; it becomes a pipe with the first sign of life from the agent, until then another agent may be tried.
 */
export class RawConnection extends Deadlined implements Caller, SocketOwner {
  readonly hostname: string;
  readonly path = '/';
  readonly #context: HttpContext;
  readonly #socket: Socket;
  readonly #client: Client;
  readonly #delivery: Delivery;
  readonly #asker: TunnelAsker | undefined;
  #stream: StreamEnd | undefined;
  #policy: Policy | undefined;
  #kept: Buffer;
  #clientEnded = false;
  #over = false;

  /** @param first what was read to find out the hostname */
  constructor(options: {
    readonly context: HttpContext;
    readonly socket: Socket;
    readonly client: Client;
    readonly hostname: string;
    readonly first: Buffer;
    readonly asker?: TunnelAsker;
  }) {
    super();
    this.#context = options.context;
    this.#socket = options.socket;
    this.#client = options.client;
    this.hostname = options.hostname;
    this.#kept = options.first;
    this.#asker = options.asker;
    this.#delivery = new Delivery(options.context.ways, this);
    this.deadline = coarseNow() + options.context.timeouts.firstByte;
    options.context.deadlines.watch(this);
    options.context.ways.counters.rawStreams++;
    own(options.socket, this);
  }

  /** By the hostname's route. */
  start(): void {
    this.#delivery.start();
  }

  /** By a port's route. */
  startAt(route: ReadyRoute): void {
    this.#delivery.startAt(route);
  }

  onRoute({ policy }: ReadyRoute): boolean {
    this.#policy = policy;
    return true;
  }

  openOn(link: Link, way: Way): void {
    const meta = {
      ...way,
      protocol: Protocol.Tcp,
      hostname: this.hostname,
      client: this.#client.text,
      head: '',
    };
    const open = (consumer: StreamConsumer): LinkStream =>
      link.open(meta, consumer, this.#kept, 0, this.#kept.length, this.#clientEnded);
    this.#stream =
      this.#policy?.bandwidth === undefined ? open(this) : this.#paced(open, this.#policy.bandwidth);
  }

  onRefused(refusal: Refusal): void {
    if (this.#over) return;
    if (this.#asker !== undefined) return this.#giveBack(this.#asker, refusal);
    this.#context.ways.counters.countRefusal(refusal.code);
    this.#socket.resetAndDestroy();
  }

  // SocketOwner, until the agent shows a sign of life

  onSocketRead(bytes: number, buffer: Buffer): boolean {
    this.#kept = Buffer.concat([this.#kept, buffer.subarray(0, bytes)]);
    const flows = this.#stream?.sendData(buffer, 0, bytes, false) ?? true;
    return flows && this.#mayKeepMore;
  }

  onSocketDrain(): void {}

  onSocketEnd(): void {
    this.#clientEnded = true;
    this.#stream?.sendEnd();
  }

  onSocketClose(): void {
    if (this.#over) return;
    this.#over = true;
    this.#context.deadlines.forget(this);
    this.#delivery.cancel();
    this.#stream?.reset(ResetCode.Cancelled, 'client gone');
  }

  onDeadline(): void {
    if (this.#asker === undefined) return void this.#socket.resetAndDestroy();
    this.#stream?.reset(ResetCode.Cancelled, 'timeout');
    this.#giveBack(this.#asker, refusalFor(ResetCode.UpstreamTimeout));
  }

  // StreamConsumer, until then

  onAccept(): void {
    this.#pipe();
  }

  onHead(): void {
    this.#stream?.reset(ResetCode.Protocol, 'head on a raw stream');
    this.#socket.resetAndDestroy();
  }

  onData(buffer: Buffer, start: number, end: number): void {
    this.#pipe().onData(buffer, start, end);
  }

  onTrailers(): void {}

  onEnd(): void {
    this.#pipe().onEnd();
  }

  onReset(code: number): void {
    if (this.#over) return;
    if (isUndelivered(code)) this.#delivery.again(code, 'session');
    else if (this.#asker === undefined) this.#socket.resetAndDestroy();
    else this.#giveBack(this.#asker, refusalFor(code));
  }

  onDrain(): void {
    if (this.#mayKeepMore) this.#socket.resume();
  }

  onUnacknowledged(): void {
    if (!this.#delivery.hasAlternative) return;
    this.#stream!.reset(ResetCode.Cancelled, 'not acknowledged in time');
    this.#delivery.again(ResetCode.LinkLost, 'session');
  }

  #paced(open: (consumer: StreamConsumer) => LinkStream, bandwidth: Bandwidth): StreamEnd {
    const paced = new PacedStream(this.#context.pacer, bandwidth, this);
    return paced.opened(open(paced), this.#kept.length);
  }

  get #mayKeepMore(): boolean {
    return this.#kept.length < MAX_KEPT_BYTES;
  }

  #giveBack(asker: TunnelAsker, refusal: Refusal): void {
    this.#over = true;
    this.#context.deadlines.forget(this);
    this.#delivery.cancel();
    asker.onRefused(refusal);
  }

  #pipe(): RawPipe {
    this.#asker?.onTaken();
    this.#over = true;
    this.#context.deadlines.forget(this);
    const pipe = new RawPipe({
      socket: this.#socket,
      stream: this.#stream!,
      deadlines: this.#context.deadlines,
      idleMs: (this.#policy ?? this.#context).timeouts.tunnelIdle,
    });
    pipe.begin(NOTHING, false);
    return pipe;
  }
}
