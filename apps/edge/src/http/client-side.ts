import type { ResponseHead } from '@culvert/http1';
import type { StreamEnd } from '@culvert/link';
import type { Client } from '../entry/client.ts';
import type { OwnAnswer } from './own-answer.ts';

/** The first bytes of a response's body: at [start, end) of a buffer that is used again after the call. */
export interface FirstBytes {
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
  /** Whether they are the whole body, so that its length is known even if the head does not tell it. */
  readonly whole: boolean;
}

/**
 * The client's end of an exchange, in the protocol that the client speaks. What it is told comes in the order
 * `interim`, `begin`, `data`, `end`, `finish`; `answer` and then `finish`; or `upgrade`. `abort` may come at any time
 * and instead of all that follows. Nothing is called once the client has gone.
 */
export interface ClientSide {
  readonly client: Client;
  /** Whether an upgrade is all that the client asked for: success without a switch would be mistaken for one. */
  readonly mustSwitch: boolean;
  /** Whether the request keeps its own time: a gRPC call has a deadline, and may be silent until then. */
  readonly keepsTime: boolean;
  /** Whether the client is slower than the service. */
  readonly blocked: boolean;
  /** Lets the exchange wait no longer than `ms` from now; after that its `onTimeout` is called. */
  waitUpTo(ms: number): void;
  /** The request's body goes on. */
  resumeReading(): void;
  interim(head: ResponseHead): void;
  /** Begins the final response. Credit for the body is given back on `stream` as the client takes it. */
  begin(head: ResponseHead, stream: StreamEnd, first: FirstBytes): void;
  /** False when there is more than the head announced. The bytes are valid during the call. */
  data(buffer: Buffer, start: number, end: number): boolean;
  /** False when the body is shorter than announced. */
  end(trailers: string): boolean;
  /** The edge answers itself. */
  answer(answer: OwnAnswer): void;
  /** All of the response has been written; `requestDone` tells whether all of the request was read. */
  finish(requestDone: boolean): void;
  /** The response cannot become whole, and the client must see that. */
  abort(): void;
  /**
   * The service has switched to a protocol that the client asked for: bytes of both directions are the client's and the
   * service's own from here on, and `stream` gets another consumer. They may be quiet for
   * `idleMs`. False when the switch is not to be believed.
   */
  upgrade(head: ResponseHead, stream: StreamEnd, idleMs: number): boolean;
}
