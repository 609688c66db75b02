import {
  FIRST_SKIPPABLE_KIND,
  Flag,
  FrameDecoder,
  GoAwayCode,
  Kind,
  MAX_HEAD_BYTES,
  MAX_STREAM_ID,
  ProtocolError,
  ResetCode,
  decodeGoAway,
  decodeReset,
  encodeGoAway,
  readOpen,
  readU32,
} from '@culvert/wire';
import type { FrameSink, GoAway, OpenMeta } from '@culvert/wire';
import { Batch } from './batch.ts';
import type { Carrier, CarrierSink } from './carrier.ts';
import { FrameWriter } from './frame-writer.ts';
import { Keepalive } from './keepalive.ts';
import type { LinkCounters, LinkEnd, LinkOptions, LinkOwner } from './link-owner.ts';
import { ReceiveWindow } from './receive-window.ts';
import { LinkStream } from './stream.ts';
import { StreamTable } from './stream-table.ts';
import type { StreamConsumer, StreamPort } from './stream.ts';
import { QUANTUM_BYTES, Turns } from './turns.ts';

/** Bytes on their way to the operating system from which on data waits in its streams. */
const CONGESTED_BYTES = 262_144;
/** Bytes that the network did not take, from on which no streams are opened; at twice as many the link is closed. */
const OVERLOADED_BYTES = 8_388_608;
/** How often streams are looked at for missing acknowledgements. */
const TICK_MS = 100;
/** An opener gives up waiting for a sign of the stream after so many ticks: 1 s. */
const UNACKNOWLEDGED_TICKS = 10;
/** Halfway the other side is asked for any sign of itself: without one until then it is the link that is silent. */
const PROBE_TICKS = 5;
/** Who relays has given up before by the clock of whoever asked, which is a bit ahead. */
const GIVEN_UP_TICKS = 8;

/** Ids passed over to find one with a slot of its own in the table of streams. */
const MAX_SLOT_STEPS = 64;

/** The ping behind a go-away. No time of a clock: its pong says that the go-away was heard. */
const GOING_AWAY = Buffer.alloc(8, 0xff);

/** One connection between an agent and an edge, or between two edges, after its handshake. */
export class Link implements CarrierSink, FrameSink, StreamPort {
  readonly remote: string;

  readonly #options: LinkOptions;
  /** What the other side takes of a stream before its first credit, as told in its handshake. */
  #peerWindow = 0;
  readonly #carrier: Carrier;
  readonly frames: FrameWriter;
  readonly #batch: Batch;
  readonly #decoder: FrameDecoder;
  readonly #keepalive: Keepalive;
  readonly #streams = new StreamTable();
  #owner: LinkOwner | undefined;
  #bytesIn = 0;
  #streamsOpened = 0;
  #lastId: number;
  readonly #turns = new Turns();
  #tickTimer: NodeJS.Timeout | undefined;
  #goingAway: 'no' | 'told' | 'was-told' = 'no';
  /** The other side has heard of our going away: nothing that it opened before is still on its way. */
  #heardOfGoing = false;
  #suspect = false;
  /** Ticks since anything was heard, while there are streams. */
  #quietTicks = 0;
  #end: LinkEnd | undefined;
  #attached = false;
  #closed = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#lastId = options.side === 'dialer' ? -1 : 0;
    this.#carrier = options.carrier;
    this.remote = options.carrier.remote;
    this.#batch = new Batch(options.carrier, () => this.#sendWaiting());
    this.frames = new FrameWriter(this.#batch);
    this.#decoder = new FrameDecoder(this);
    this.#keepalive = new Keepalive({
      ping: (payload) => this.sendControl(Kind.Ping, payload),
      dead: () => this.close(GoAwayCode.Timeout, 'nothing heard for too long'),
    });
  }

  /** Begins to read. Until `attach`, the owner is told of control frames only and streams are an error. */
  begin(owner: LinkOwner): void {
    this.#owner = owner;
    this.#carrier.start(this);
  }

  /** The handshake is done: streams may be opened, by either owner's wish, and pings begin. */
  attach(owner: LinkOwner, peerWindow: number): void {
    this.#owner = owner;
    if (this.#closed) return owner.onClosed(this.#end!);
    this.#peerWindow = peerWindow;
    this.#attached = true;
    this.#keepalive.start();
  }

  /** Sends bytes in front of the first frame. */
  sendPreface(preface: Buffer): void {
    this.#carrier.write(preface, () => undefined);
  }

  get counters(): LinkCounters {
    return { bytesIn: this.#bytesIn, bytesOut: this.frames.bytes, streamsOpened: this.#streamsOpened };
  }

  get openStreams(): number {
    return this.#streams.size;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Whether new streams may be opened here. */
  get available(): boolean {
    if (!this.#attached || this.#closed || this.#goingAway !== 'no') return false;
    return this.#streams.size < this.#options.maxStreams && this.#carrier.backlog < OVERLOADED_BYTES;
  }

  get congested(): boolean {
    return this.#turns.contended || this.#isFull();
  }

  /** Whether a stream was not acknowledged in time, and nothing at all was heard meanwhile and since. */
  get suspect(): boolean {
    return this.#suspect;
  }

  /** Whether `roundTripMs` is that of an answered ping. */
  get measured(): boolean {
    return this.#keepalive.measured;
  }

  get roundTripMs(): number {
    return this.#keepalive.roundTripMs;
  }

  now(): number {
    return performance.now();
  }

  /**
   * Opens a stream; the caller has checked `available`. Bytes beyond the other side's window follow as data.
   * @param window granted beforehand by `memory.grantFirst(link.roundTripMs)`, and written in `meta.window`
   */
  open(
    meta: OpenMeta,
    consumer: StreamConsumer,
    body: Buffer,
    start: number,
    end: number,
    last: boolean,
  ): LinkStream {
    const stream = this.#newStream(this.#takeId(), consumer, meta.window, this.#peerWindow, true);
    const fits = end - start <= Math.min(this.#peerWindow, QUANTUM_BYTES);
    const bodyEnd = fits ? end : start;
    const ends = fits && last;
    this.frames.sendOpen(stream.id, meta, body, start, bodyEnd, ends);
    stream.countOpened(bodyEnd - start, ends);
    if (!fits) stream.sendData(body, start, end, last);
    return stream;
  }

  /** Tells the other side to open no more streams here. The link closes when it has heard that and the last has ended. */
  goAway(goAway: GoAway): void {
    if (this.#closed || this.#goingAway === 'told') return;
    this.sendControl(Kind.GoAway, encodeGoAway(goAway));
    this.sendControl(Kind.Ping, GOING_AWAY);
    this.#goingAway = 'told';
    this.#end ??= { code: goAway.code, text: goAway.text, by: 'us' };
  }

  /** Says why and ends at once; streams are reset. */
  close(code: number, text: string): void {
    this.refuse({ code, retryAfterMs: 0, text });
  }

  /** As `close`, with the time after which the other side may come again. */
  refuse(goAway: GoAway): void {
    if (this.#closed) return;
    this.sendControl(Kind.GoAway, encodeGoAway(goAway));
    this.#batch.flush();
    this.#carrier.end();
    this.#end = undefined;
    this.#finish({ code: goAway.code, text: goAway.text, by: 'us' });
  }

  /** There is reason to doubt that the link still leads anywhere: it is closed unless anything is heard in time (ms). */
  verify(timeoutMs: number): void {
    if (this.#attached && !this.#closed) this.#keepalive.verify(timeoutMs);
  }

  /** Sends a frame that belongs to no stream, at once: it does not wait for data. */
  sendControl(kind: Kind, payload: Buffer): void {
    if (this.#closed) return;
    this.frames.sendFrame(kind, 0, payload);
    this.#batch.send();
  }

  // StreamPort

  wait(stream: LinkStream): void {
    this.#turns.add(stream);
    // With room on the link, the tick's end sends it; otherwise the carrier's drain does.
    if (!this.#isFull()) this.#batch.schedule();
  }

  forget(stream: LinkStream): void {
    this.#streams.delete(stream.id);
    if (stream.opener && !stream.acknowledged && stream.ticks >= GIVEN_UP_TICKS) this.#doubt(stream);
    this.#endIfDone();
  }

  // CarrierSink

  onBytes(buffer: Buffer, start: number, end: number): void {
    this.#bytesIn += end - start;
    this.#keepalive.heard();
    this.#suspect = false;
    this.#quietTicks = 0;
    if (this.#carrier.backlog > 2 * OVERLOADED_BYTES) {
      return this.close(GoAwayCode.Protocol, 'what is sent here is not read');
    }
    try {
      this.#decoder.push(buffer, start, end);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.close(GoAwayCode.Protocol, error.message);
    }
  }

  onDrain(): void {
    this.#batch.send();
    this.#sendWaiting();
  }

  onClose(error: Error | undefined): void {
    this.#finish({ code: 0, text: error?.message ?? 'connection closed', by: 'peer' });
  }

  // FrameSink

  onFrame(kind: number, flags: number, id: number, payload: Buffer, start: number, end: number): void {
    switch (kind) {
      case Kind.Open:
        return this.#onOpen(flags, id, payload, start, end);
      case Kind.Head:
        return this.#onHead(flags, id, payload, start, end);
      case Kind.Credit:
        if (end - start !== 4) throw new ProtocolError(`credit frame of ${end - start} bytes`);
        return this.#stream(id)?.receiveCredit(readU32(payload, start));
      case Kind.Accept: {
        const stream = this.#answered(id);
        if (stream === undefined) return;
        stream.acknowledged = true;
        return stream.consumer.onAccept();
      }
      case Kind.Trailers: {
        const stream = this.#receiving(id);
        stream?.consumer.onTrailers(payload.toString('latin1', start, end));
        return stream?.receiveEnd();
      }
      case Kind.Reset: {
        const reset = decodeReset(payload.subarray(start, end));
        const stream = this.#stream(id);
        if (stream === undefined) return;
        stream.acknowledged = true;
        return stream.receiveReset(reset.code, reset.text);
      }
      case Kind.Ping:
        if (!this.#attached) throw new ProtocolError('ping before the welcome');
        return this.sendControl(Kind.Pong, Buffer.from(payload.subarray(start, end)));
      case Kind.Pong:
        return this.#onPong(payload.subarray(start, end));
      case Kind.GoAway:
        return this.#onGoAway(decodeGoAway(payload.subarray(start, end)));
      default:
        if (kind >= FIRST_SKIPPABLE_KIND) return;
        return this.#owner?.onControl(kind, Buffer.from(payload.subarray(start, end)));
    }
  }

  onData(id: number, payload: Buffer, start: number, end: number, last: boolean): void {
    const stream = this.#receiving(id);
    if (stream === undefined) return;
    if (stream.opener) stream.acknowledged = true;
    if (!stream.receiveData(payload, start, end, last)) {
      throw new ProtocolError(`stream ${id} sent more than its credit`);
    }
  }

  #onOpen(flags: number, id: number, payload: Buffer, start: number, end: number): void {
    const theirs = (id & 1) === (this.#options.side === 'dialer' ? 0 : 1);
    if (!theirs || this.#stream(id) !== undefined) throw new ProtocolError(`stream ${id} cannot be opened`);
    const open = readOpen(payload, start, end);
    if (this.#goingAway === 'told') return this.frames.sendReset(id, ResetCode.Refused, 'draining');
    if (this.#streams.size >= this.#options.maxStreams) {
      return this.frames.sendReset(id, ResetCode.Busy, 'too many streams');
    }
    this.#options.memory.add(this.#options.window);
    const stream = this.#newStream(id, refusedConsumer, this.#options.window, open.window, false);
    const taker = this.#owner?.onOpen(stream, open) ?? ResetCode.Refused;
    if (typeof taker === 'number') return stream.reset(taker);
    stream.consumer = taker;
    if (!stream.receiveData(payload, open.bodyStart, end, (flags & Flag.End) !== 0)) {
      throw new ProtocolError(`stream ${id} opened with more than its credit`);
    }
  }

  #onHead(flags: number, id: number, payload: Buffer, start: number, end: number): void {
    const stream = this.#answered(id);
    if (end - start < 4) throw new ProtocolError('head frame ends inside its length');
    const headEnd = start + 4 + readU32(payload, start);
    if (headEnd > end || headEnd - start - 4 > MAX_HEAD_BYTES)
      throw new ProtocolError('head frame announces a wrong length');
    if (stream === undefined) return;
    stream.acknowledged = true;
    if (!stream.receiveHead(payload, start + 4, headEnd, end, (flags & Flag.End) !== 0)) {
      throw new ProtocolError(`stream ${id} answered with more than its credit`);
    }
  }

  #onPong(payload: Buffer): void {
    if (!payload.equals(GOING_AWAY)) return this.#keepalive.pong(payload);
    this.#heardOfGoing = this.#goingAway === 'told';
    this.#endIfDone();
  }

  /** Only says that nothing is to be opened here any more: whoever said so ends the connection. */
  #onGoAway(goAway: GoAway): void {
    if (this.#goingAway === 'no') this.#goingAway = 'was-told';
    this.#end ??= { code: goAway.code, text: goAway.text, by: 'peer' };
    this.#owner?.onGoAway(goAway);
  }

  /** A stream that frames may still come for; unknown ones are those that were reset here a moment ago. */
  #stream(id: number): LinkStream | undefined {
    const stream = this.#streams.get(id);
    if (stream === undefined && (id === 0 || id > MAX_STREAM_ID || !this.#attached)) {
      throw new ProtocolError(`frame for stream ${id}`);
    }
    return stream;
  }

  /** As `#stream`, for what is part of a direction. */
  #receiving(id: number): LinkStream | undefined {
    const stream = this.#stream(id);
    if (stream?.ended === true) throw new ProtocolError(`stream ${id} went on after its end`);
    return stream;
  }

  /** As `#receiving`, for what only the side sends that did not open the stream. */
  #answered(id: number): LinkStream | undefined {
    const stream = this.#receiving(id);
    if (stream?.opener === false) throw new ProtocolError(`stream ${id} was answered by its opener`);
    return stream;
  }

  #newStream(
    id: number,
    consumer: StreamConsumer,
    size: number,
    credit: number,
    opener: boolean,
  ): LinkStream {
    const window = new ReceiveWindow(this.#options.memory, size, this.now());
    const stream = new LinkStream({ id, opener, port: this, consumer, window, credit });
    this.#streams.add(stream);
    this.#streamsOpened++;
    this.#tickTimer ??= setInterval(this.#tick, TICK_MS);
    return stream;
  }

  #takeId(): number {
    let steps = 0;
    do {
      this.#lastId = this.#lastId + 2 > MAX_STREAM_ID ? 2 - (this.#lastId & 1) : this.#lastId + 2;
      steps++;
    } while (
      steps < MAX_SLOT_STEPS ? this.#streams.isCrowded(this.#lastId) : this.#streams.get(this.#lastId)
    );
    return this.#lastId;
  }

  readonly #tick = (): void => {
    if (this.#streams.size === 0) {
      clearInterval(this.#tickTimer);
      this.#tickTimer = undefined;
      this.#quietTicks = 0;
      return;
    }
    this.#quietTicks++;
    for (const stream of this.#streams.all()) {
      stream.ticks++;
      if (stream.acknowledged) continue;
      if (stream.opener) {
        if (stream.ticks === PROBE_TICKS) this.#keepalive.probe();
        if (stream.ticks !== UNACKNOWLEDGED_TICKS) continue;
        this.#doubt(stream);
        stream.consumer.onUnacknowledged();
      } else if (stream.ticks > 1 && stream.acknowledgesItself) {
        stream.accept();
      }
    }
  };

  /** A stream has waited for its acknowledgement in vain: for want of any sign since the probe it is the link's fault. */
  #doubt({ ticks }: LinkStream): void {
    if (this.#quietTicks > ticks - PROBE_TICKS) this.#suspect = true;
  }

  /** Enough is on its way to the operating system, or the link is gone. */
  readonly #isFull = (): boolean =>
    this.#closed || this.#batch.length + this.#carrier.backlog >= CONGESTED_BYTES;

  #sendWaiting(): void {
    this.#turns.serve(this.#isFull, this.#flush);
  }

  readonly #flush = (): void => this.#batch.flush();

  #endIfDone(): void {
    if (!this.#heardOfGoing || this.#streams.size > 0 || this.#closed) return;
    this.#batch.flush();
    this.#carrier.end();
  }

  #finish(end: LinkEnd): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#decoder.stop();
    this.#keepalive.stop();
    clearInterval(this.#tickTimer);
    this.frames.stop();
    this.#batch.discard();
    this.#end ??= end;
    for (const stream of this.#streams.all()) stream.receiveReset(ResetCode.LinkLost, end.text);
    this.#owner?.onClosed(this.#end);
  }
}

/** Stands in between the opening of a stream and the owner's answer. */
const refusedConsumer: StreamConsumer = {
  onAccept: () => undefined,
  onHead: () => undefined,
  onData: () => undefined,
  onTrailers: () => undefined,
  onEnd: () => undefined,
  onReset: () => undefined,
  onDrain: () => undefined,
  onUnacknowledged: () => undefined,
};
