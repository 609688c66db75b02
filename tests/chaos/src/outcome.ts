/** What users do. */
export type KindName = 'get' | 'put' | 'post' | 'upload' | 'download' | 'events' | 'socket';

/** Small requests, whose answer is one piece: their times are told. */
export const QUICK: readonly KindName[] = ['get', 'put', 'post'];
export const EVERYTHING: readonly KindName[] = [...QUICK, 'upload', 'download', 'events', 'socket'];
/** What may be sent again by anybody on the way until its answer begins. */
export const IDEMPOTENT: readonly KindName[] = ['get', 'put'];

/**
 * `raced` is a request that met the close of an idle connection: it was never seen by a service, and no byte was
 * answered. Clients send such a request again (RFC 9112 §9.3.1), where it is idempotent.
 */
export type Result = 'ok' | 'failed' | 'wrong' | 'raced';

/** One thing that a user did. Times in ms on the monotonic clock. */
export interface Outcome {
  readonly kind: KindName;
  readonly beganAt: number;
  readonly endedAt: number;
  readonly result: Result;
  /** Of what is not ok: a status with its reason, an error's code, or what was wrong. */
  readonly why?: string;
}
