import type { GoAway, ReadOpen } from '@culvert/wire';
import type { Carrier } from './carrier.ts';
import type { LinkStream, StreamConsumer } from './stream.ts';
import type { StreamMemory } from './stream-memory.ts';

/** Why and how a link ended. */
export interface LinkEnd {
  readonly code: number;
  readonly text: string;
  /** Whether the other side said so, or this side found out. */
  readonly by: 'peer' | 'us';
}

/** What the owner of a link is told. */
export interface LinkOwner {
  /** A stream was opened by the other side: returns its consumer, or the code to refuse it with. */
  onOpen(stream: LinkStream, open: ReadOpen): StreamConsumer | number;
  /** The other side takes no new streams; `closed` follows when the last has ended. */
  onGoAway(goAway: GoAway): void;
  /** A frame of a handshake or control kind that only the owner understands, such as a list of edges. */
  onControl(kind: number, payload: Buffer): void;
  onClosed(end: LinkEnd): void;
}

export interface LinkOptions {
  /** Who connected; each side opens streams with ids of its own. */
  readonly side: 'dialer' | 'listener';
  readonly carrier: Carrier;
  /** Bytes of stream data that may be pinned by all links of the process. */
  readonly memory: StreamMemory;
  /** What this side takes of a stream opened by the other, as told in its own handshake. */
  readonly window: number;
  /** Streams that the other side may have open at once. */
  readonly maxStreams: number;
}

/** Counters of a link, read by metrics. */
export interface LinkCounters {
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly streamsOpened: number;
}
