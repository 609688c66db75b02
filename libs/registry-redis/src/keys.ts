/** Hostnames are spread over this many hashes: 1,000,000 make about 60 fields each, which Redis keeps as one list. */
export const NAME_BUCKETS = 16_384;
/** Tunnels and tokens: 100,000 make about 100 fields each. */
export const RECORD_BUCKETS = 1_024;

/**
 * The names of all keys. What one command or script touches shares a hash tag, so that a cluster keeps it on one
 * node; the tag never holds more than that, so that the load spreads.
 */
export class Keys {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** String: name of the content. */
  get epoch(): string {
    return `${this.#prefix}{epoch}`;
  }

  /** Sorted set: claims by the time they end, in ms of Redis' clock. */
  get claims(): string {
    return `${this.#prefix}{claims}`;
  }

  /** Sorted set: edges by the time of their last lease, in ms of a router's clock; some may have gone. */
  get edges(): string {
    return `${this.#prefix}{edges}`;
  }

  /** Hash: one of the buckets of a map. */
  bucket(map: string, bucket: number): string {
    return `${this.#prefix}{${map}${bucket.toString(36)}}`;
  }

  /** Bitmap: the buckets of a map that have had fields. */
  occupied(map: string): string {
    return `${this.#prefix}{${map}}`;
  }

  /** Set: `r` and the id of each route, `k` and the id of each token of a tunnel; some may have gone. */
  ofTunnel(packedId: string): string {
    return `${this.#prefix}{i${packedId}}`;
  }

  /** Everything under an edge's lease: lease, meta, ahead, ended, sessions, by-tunnel, claims. */
  ofEdge(id: string): EdgeKeys {
    // Braces in an id would end the hash tag.
    const tag = `${this.#prefix}{e${encodeURIComponent(id)}}`;
    return [`${tag}l`, `${tag}m`, `${tag}a`, `${tag}d`, `${tag}s`, `${tag}t`, `${tag}c`];
  }
}

export type EdgeKeys = readonly [
  /** String: the edge as JSON. */
  lease: string,
  /** Hash: boot, low, whole, suspected, kept, replaced. */
  meta: string,
  /** Set: messages applied before an earlier one has come. */
  ahead: string,
  /** Hash: sessions that ended, and with which message, while an earlier one is missing. */
  ended: string,
  /** Hash: `seq|tunnel|payload` by session id. */
  sessions: string,
  /** Sorted set without scores: `tunnel/session`. */
  byTunnel: string,
  /** Hash: members of the claims set by session id. */
  claims: string,
];
