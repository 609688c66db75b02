import type { Link, LinkStream, StreamConsumer, StreamMemory } from '@culvert/link';
import { ResetCode, unpackUuid } from '@culvert/wire';
import type { ReadOpen } from '@culvert/wire';
import { linkOf } from '../pool/pool.ts';
import type { Session } from '../pool/pool.ts';
import type { Pools } from '../pool/pools.ts';

const NOTHING = Buffer.alloc(0);
const NOBODY: readonly unknown[] = [];

export interface RelayOptions {
  readonly pools: Pools;
  readonly memory: StreamMemory;
  /** A link to another process of this edge that holds a pool; absent for streams that come from one. */
  readonly siblingLink?: (tunnel: string) => Link | undefined;
}

/**
 * Takes a stream that another edge passes on, to a session of the local pool: one hop at most, so there is no
 * looking elsewhere, but for another process of the same edge. Returns the code to refuse it with where there is no pool.
 */
export function relay(options: RelayOptions, incoming: LinkStream, open: ReadOpen): StreamConsumer | number {
  const tunnel = unpackUuid(open.tunnel);
  const pool = options.pools.get(tunnel);
  const session = pool?.pick(NOBODY) ?? pool?.pickAny(NOBODY);
  const link = session === undefined ? options.siblingLink?.(tunnel) : linkOf(session);
  if (link === undefined) return ResetCode.NotHere;
  incoming.acknowledgesItself = false;
  const meta = { ...open, hops: 1, window: options.memory.grantFirst(link.roundTripMs) };
  const towardsAgent: Half = new Half(
    () => incoming,
    () => outgoing,
    () => towardsEdge.drained(),
  );
  const from = (): LinkStream => outgoing;
  const to = (): LinkStream => incoming;
  const onRoom = (): void => towardsAgent.drained();
  const towardsEdge: Half =
    session === undefined
      ? new Half(from, to, onRoom)
      : new FromAgent(from, to, onRoom, options.pools, session);
  const outgoing = link.open(meta, towardsEdge, NOTHING, 0, 0, false);
  return towardsAgent;
}

/** One direction's consumer writes to the other direction's stream; credit flows back as that takes the bytes. */
class Half implements StreamConsumer {
  readonly #from: () => LinkStream;
  readonly #to: () => LinkStream;
  /** Bytes handed on while the other side was full. */
  #untaken = 0;
  #trailers = false;
  /** Called when the other direction has room again. */
  readonly #onRoom: () => void;

  constructor(from: () => LinkStream, to: () => LinkStream, onRoom: () => void) {
    this.#from = from;
    this.#to = to;
    this.#onRoom = onRoom;
  }

  /** The target takes bytes again. */
  drained(): void {
    const bytes = this.#untaken;
    this.#untaken = 0;
    if (bytes > 0) this.#from().taken(bytes);
  }

  onAccept(): void {
    this.#to().accept();
  }

  onHead(buffer: Buffer, start: number, headEnd: number, end: number, last: boolean): void {
    const head = buffer.toString('latin1', start, headEnd);
    this.#count(end - headEnd, this.#to().sendHead(head, buffer, headEnd, end, last));
  }

  onData(buffer: Buffer, start: number, end: number): void {
    this.#count(end - start, this.#to().sendData(buffer, start, end, false));
  }

  onTrailers(fields: string): void {
    this.#trailers = true;
    this.#to().sendTrailers(fields);
  }

  onEnd(): void {
    if (!this.#trailers) this.#to().sendEnd();
  }

  onReset(code: number, text: string): void {
    this.#to().reset(code === ResetCode.LinkLost ? ResetCode.AgentLost : code, text);
  }

  onDrain(): void {
    this.#onRoom();
  }

  onUnacknowledged(): void {}

  #count(bytes: number, hasRoom: boolean): void {
    if (hasRoom) this.#from().taken(bytes);
    else this.#untaken += bytes;
  }
}

/** What comes from the agent also tells how well its session does. */
class FromAgent extends Half {
  readonly #pools: Pools;
  readonly #session: Session;

  constructor(
    from: () => LinkStream,
    to: () => LinkStream,
    onRoom: () => void,
    pools: Pools,
    session: Session,
  ) {
    super(from, to, onRoom);
    this.#pools = pools;
    this.#session = session;
  }

  override onHead(buffer: Buffer, start: number, headEnd: number, end: number, last: boolean): void {
    if (this.#session.health.failures > 0) this.#pools.answered(this.#session);
    super.onHead(buffer, start, headEnd, end, last);
  }

  override onReset(code: number, text: string): void {
    this.#pools.failed(this.#session, code);
    super.onReset(code, text);
  }
}
