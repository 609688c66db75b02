import { Deadlined, coarseNow } from '@culvert/lifecycle';
import type { Deadlines } from '@culvert/lifecycle';
import type { ServerHttp2Stream } from 'node:http2';
import { Http2ErrorCode } from './http2-error-code.ts';

/** How long the client may go on sending, ms: cut at once, some never look at the response. */
const LINGER_MS = 2_000;

/**
 * A stream whose response is out, or on its way, while the request still comes: nobody reads that, so it is thrown
 * away, and after a while the client is asked to stop (RFC 9113 §8.1).
 */
export class Http2Linger extends Deadlined {
  readonly #stream: ServerHttp2Stream;

  constructor(stream: ServerHttp2Stream, deadlines: Deadlines) {
    super();
    this.#stream = stream;
    this.deadline = coarseNow() + LINGER_MS;
    deadlines.watch(this);
    stream.on('close', () => deadlines.forget(this));
    stream.resume();
  }

  onDeadline(): void {
    this.deadline = Infinity;
    this.#stream.close(Http2ErrorCode.NoError);
  }
}
