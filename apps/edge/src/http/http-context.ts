import type { HeadLimits } from '@culvert/http1';
import type { Deadlines } from '@culvert/lifecycle';
import type { Ways } from '../delivery/delivery.ts';
import type { ErrorPages } from './error-pages.ts';
import type { Forwarding } from './forwarding.ts';
import type { Overload } from '../overload.ts';
import type { Pacer } from '../pace/pacer.ts';

/** Milliseconds. */
export interface HttpTimeouts {
  readonly head: number;
  readonly idle: number;
  readonly bodyIdle: number;
  readonly firstByte: number;
  /** For a request and its whole answer; Infinity where there is no such limit. */
  readonly total: number;
  readonly tunnelIdle: number;
}

/** What all HTTP connections of an edge share, whatever they speak. */
export interface HttpContext {
  readonly ways: Ways;
  readonly deadlines: Deadlines;
  /** Of requests, and of what agents answer. */
  headLimits: HeadLimits;
  timeouts: HttpTimeouts;
  /** Bytes; Infinity where there is no limit. */
  bodySize: number;
  forwarding: Forwarding;
  /** Whether every response tells the request's id, not only refusals. */
  echoRequestId: boolean;
  /** Requests at a time on one HTTP/2 connection. */
  http2Streams: number;
  errorPages: ErrorPages;
  readonly overload: Overload;
  readonly pacer: Pacer;
  readonly edge: { readonly id: string; readonly region: string };
  /** Connections end after the responses that are on their way. */
  draining: boolean;
}
