/** A ping goes out this often. */
export const PING_INTERVAL_MS = 2_000;
/** A link is dead at the end of so many intervals in which nothing at all was heard: after 4 to 6 s. */
export const SILENT_INTERVALS = 3;
/** Round trips remembered: the smallest of them is the path's. */
const SAMPLES = 8;

export interface KeepaliveActions {
  ping(payload: Buffer): void;
  dead(): void;
}

/** Measures the round trip and finds out that the other end is gone although the connection says nothing. */
export class Keepalive {
  readonly #actions: KeepaliveActions;
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;
  /** Whether anything at all is waited for, and until when. */
  #verifying = false;
  /** Whether a ping out of turn has gone out since anything was heard. */
  #probed = false;
  #verifyTimer: NodeJS.Timeout | undefined;
  /** Intervals are counted, not time: after a sleep of this process the peer gets its chance to speak. */
  #silent = 0;
  #samples: number[] = [];
  /** Kept, since every stream asks for it. */
  #roundTripMs = 1;
  /** When the pings were sent that have no answer yet, in milliseconds. */
  #sent: number[] = [];

  constructor(actions: KeepaliveActions, now: () => number = () => performance.now()) {
    this.#actions = actions;
    this.#now = now;
  }

  /** Milliseconds, the smallest of the last pings'; 1 until the first answer. */
  get roundTripMs(): number {
    return this.#roundTripMs;
  }

  get measured(): boolean {
    return this.#samples.length > 0;
  }

  start(): void {
    this.#timer = setInterval(() => this.tick(), PING_INTERVAL_MS);
    this.#ping();
  }

  stop(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#verifyTimer);
  }

  /** There is reason to doubt: unless anything is heard within the time (ms), the link is dead. */
  verify(timeoutMs: number): void {
    if (this.#verifying) return;
    this.#verifying = true;
    this.#ping();
    clearTimeout(this.#verifyTimer);
    this.#verifyTimer = setTimeout(() => {
      if (this.#verifying) this.#actions.dead();
    }, timeoutMs);
  }

  /** A sign of the other side is wanted, at no consequence: a ping out of turn, one until anything is heard. */
  probe(): void {
    if (this.#probed) return;
    this.#probed = true;
    this.#ping();
  }

  /** Anything arrived. Called for every read, so it only resets. */
  heard(): void {
    this.#silent = 0;
    this.#probed = false;
    this.#verifying = false;
  }

  /** @param payload as it was sent in a ping; anything else tells nothing, least of all a round trip */
  pong(payload: Buffer): void {
    if (payload.length !== 8) return;
    const sentAt = payload.readDoubleBE(0);
    const index = this.#sent.indexOf(sentAt);
    if (index < 0) return;
    this.#sent.splice(0, index + 1);
    this.#samples.push(Math.max(this.#now() - sentAt, 0.05));
    if (this.#samples.length > SAMPLES) this.#samples.shift();
    this.#roundTripMs = Math.min(...this.#samples);
  }

  /** One interval has passed. */
  tick(): void {
    this.#silent++;
    if (this.#silent >= SILENT_INTERVALS) this.#actions.dead();
    else this.#ping();
  }

  #ping(): void {
    const payload = Buffer.alloc(8);
    const sentAt = this.#now();
    payload.writeDoubleBE(sentAt);
    this.#sent.push(sentAt);
    if (this.#sent.length > SILENT_INTERVALS) this.#sent.shift();
    this.#actions.ping(payload);
  }
}
