import { createHash } from 'node:crypto';
import { vi } from 'vitest';
import { Protocol, packUuid } from '@culvert/wire';
import type { AgentHello, GoAway, OpenMeta, PeerHello, ReadOpen, WelcomeBody } from '@culvert/wire';
import { acceptLink } from '../accept.ts';
import type { AcceptOptions } from '../accept.ts';
import type { Carrier } from '../carrier.ts';
import { dialLink } from '../dial.ts';
import type { DialOptions } from '../dial.ts';
import type { Link } from '../link.ts';
import type { LinkEnd, LinkOwner } from '../link-owner.ts';
import { simulatedPath } from './simulated-path.ts';
import type { PathOptions, SimulatedPath } from './simulated-path.ts';
import { StreamMemory } from '../stream-memory.ts';
import type { LinkStream, StreamConsumer } from '../stream.ts';

export const NOTHING = Buffer.alloc(0);
export const TUNNEL = '4d21094e-b74c-4916-86c1-d9fa36ea677b';

/** Remembers what a stream told, and takes the bytes as told. */
export class Recorder implements StreamConsumer {
  stream: LinkStream | undefined;
  /** Whether bytes are taken as they come; otherwise by `take`. */
  takes = true;
  /** Calls in order, data joined: `head …`, `data 12`, `end`. */
  readonly calls: string[] = [];
  bytes = 0;
  untaken = 0;
  text = '';
  ended = false;
  resetCode: number | undefined;
  drains = 0;
  onDrained: (() => void) | undefined;
  readonly #hash = createHash('sha256');

  constructor(options: { readonly takes?: boolean } = {}) {
    this.takes = options.takes ?? true;
  }

  get hash(): string {
    return this.#hash.copy().digest('hex');
  }

  take(bytes = this.untaken): void {
    this.untaken -= bytes;
    this.stream!.taken(bytes);
  }

  onAccept(): void {
    this.calls.push('accept');
  }
  onHead(buffer: Buffer, start: number, headEnd: number, end: number): void {
    this.calls.push(`head ${buffer.toString('latin1', start, headEnd)}`);
    if (end > headEnd) this.onData(buffer, headEnd, end);
  }
  onData(buffer: Buffer, start: number, end: number): void {
    if (this.calls.at(-1) !== 'data') this.calls.push('data');
    if (this.text.length < 4_096) this.text += buffer.toString('latin1', start, end);
    this.bytes += end - start;
    this.#hash.update(buffer.subarray(start, end));
    if (this.takes) this.stream?.taken(end - start);
    else this.untaken += end - start;
  }
  onTrailers(fields: string): void {
    this.calls.push(`trailers ${fields}`);
  }
  onEnd(): void {
    this.ended = true;
    this.calls.push('end');
  }
  onReset(code: number, text: string): void {
    this.resetCode = code;
    this.calls.push(`reset ${code} ${text}`);
  }
  onDrain(): void {
    this.drains++;
    this.onDrained?.();
  }
  onUnacknowledged(): void {
    this.calls.push('unacknowledged');
  }
}

/** An owner that takes every stream, unless `decide` says otherwise. */
export class RecordingOwner implements LinkOwner {
  readonly accepted: { readonly stream: LinkStream; readonly open: ReadOpen; readonly recorder: Recorder }[] =
    [];
  readonly goAways: GoAway[] = [];
  readonly controls: number[] = [];
  readonly ends: LinkEnd[] = [];
  decide: (open: ReadOpen) => number | undefined = () => undefined;
  recorder: () => Recorder = () => new Recorder();

  onOpen(stream: LinkStream, open: ReadOpen): StreamConsumer | number {
    const code = this.decide(open);
    if (code !== undefined) return code;
    const recorder = this.recorder();
    recorder.stream = stream;
    this.accepted.push({ stream, open, recorder });
    return recorder;
  }
  onGoAway(goAway: GoAway): void {
    this.goAways.push(goAway);
  }
  onControl(kind: number): void {
    this.controls.push(kind);
  }
  onClosed(end: LinkEnd): void {
    this.ends.push(end);
  }
}

export const agentHello: AgentHello = {
  role: 'agent',
  tunnel: TUNNEL,
  token: 'secret',
  agent: '0b8f2a52-1c4f-4f7e-9f5a-6f1f2f6f3c11',
  generation: 1,
  software: 'test',
  window: 65_536,
};
export const peerHello: PeerHello = {
  role: 'peer',
  edge: 'us-1',
  nonce: 'ab'.repeat(32),
  software: 'test',
  window: 65_536,
};
export const welcome: WelcomeBody = {
  edge: 'eu-1',
  region: 'eu',
  session: 's-1',
  software: 'test',
  window: 65_536,
  edges: [],
};

/** One side of a handshake, and what came of it. */
export class Side {
  readonly owner = new RecordingOwner();
  readonly memory: StreamMemory;
  readonly failures: Error[] = [];
  readonly refusals: string[] = [];
  attached: Link | undefined;

  constructor(memoryBytes = 1 << 30) {
    this.memory = new StreamMemory(memoryBytes);
  }

  get link(): Link {
    return this.attached!;
  }

  /** Opens a raw stream, with the window that the memory grants. */
  open(
    options: { body?: Buffer; last?: boolean; recorder?: Recorder; meta?: Partial<OpenMeta> } = {},
  ): Opened {
    const recorder = options.recorder ?? new Recorder();
    const window = options.meta?.window ?? this.memory.grantFirst();
    if (options.meta?.window !== undefined) this.memory.add(window);
    const body = options.body ?? NOTHING;
    const meta = { ...rawMeta, ...options.meta, window };
    const stream = this.link.open(meta, recorder, body, 0, body.length, options.last ?? false);
    recorder.stream = stream;
    return { stream, recorder };
  }
}

export interface Opened {
  readonly stream: LinkStream;
  readonly recorder: Recorder;
}

const rawMeta: OpenMeta = {
  protocol: Protocol.Tcp,
  hops: 0,
  window: 0,
  tunnel: packUuid(TUNNEL),
  hostname: '',
  client: '',
  head: '',
};

export interface PairOptions {
  readonly dial?: Partial<DialOptions>;
  readonly accept?: Partial<AcceptOptions>;
  readonly memoryBytes?: number;
}

export interface Pair {
  readonly dialer: Side;
  readonly listener: Side;
}

export function dialOn(carrier: Carrier, side: Side, options: Partial<DialOptions> = {}): void {
  dialLink({
    carrier,
    hello: agentHello,
    memory: side.memory,
    maxStreams: 10_000,
    timeoutMs: 5_000,
    onAttached: (link) => {
      side.attached = link;
      return side.owner;
    },
    onFailed: (error) => side.failures.push(error),
    ...options,
  });
}

export function acceptOn(carrier: Carrier, side: Side, options: Partial<AcceptOptions> = {}): void {
  acceptLink({
    carrier,
    memory: side.memory,
    maxStreams: 10_000,
    window: 65_536,
    timeoutMs: 5_000,
    admit: async () => ({
      admit: true,
      welcome,
      attach: (link) => {
        side.attached = link;
        return side.owner;
      },
    }),
    onRefused: (reason) => side.refusals.push(reason),
    ...options,
  });
}

/** Both sides of a link over the two ends of a carrier. The preface is expected unless told otherwise. */
export function joinPair(carriers: { dialer: Carrier; listener: Carrier }, options: PairOptions = {}): Pair {
  const dialer = new Side(options.memoryBytes);
  const listener = new Side(options.memoryBytes);
  acceptOn(carriers.listener, listener, { preface: 'ahead', ...options.accept });
  dialOn(carriers.dialer, dialer, options.dial);
  return { dialer, listener };
}

/** An attached link over a simulated path; fake timers must be in use. */
export async function simulatedPair(
  path: PathOptions = {},
  options: PairOptions = {},
): Promise<Pair & { path: SimulatedPath }> {
  const carriers = simulatedPath(path);
  const pair = joinPair(carriers, options);
  await until(() => pair.dialer.attached !== undefined && pair.listener.attached !== undefined);
  return { ...pair, path: carriers };
}

/** Fake timers for everything that links and simulated paths use. */
export function fakeTime(): void {
  vi.useFakeTimers({
    toFake: [
      'setTimeout',
      'clearTimeout',
      'setInterval',
      'clearInterval',
      'setImmediate',
      'clearImmediate',
      'performance',
    ],
  });
}

/** Lets simulated time pass until the condition holds. */
export async function until(condition: () => boolean, withinMs = 20_000): Promise<void> {
  for (let passed = 0; !condition(); passed++) {
    if (passed > withinMs) throw new Error(`did not happen within ${withinMs} simulated ms`);
    await vi.advanceTimersByTimeAsync(1);
  }
}

export const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/**
 * The same in one go. `pass` waits in real time at each timer, for promises that it may have settled: long, where there are
 * thousands. An attached link has none.
 */
export const passAtOnce = (ms: number) => void vi.advanceTimersByTime(ms);

/** Sends bytes as fast as the stream takes them, then ends the direction. */
export function pump(opened: Opened, source: Buffer, chunkBytes = 65_536): void {
  let at = 0;
  const go = (): void => {
    let room = true;
    while (room && at < source.length) {
      const to = Math.min(source.length, at + chunkBytes);
      const start = at;
      at = to;
      room = opened.stream.sendData(source, start, to, to === source.length);
    }
  };
  opened.recorder.onDrained = go;
  if (source.length === 0) opened.stream.sendEnd();
  go();
}
