import type { RequestHead } from '@culvert/http1';
import type { LinkStream, StreamConsumer } from '@culvert/link';
import { StatusAnswer } from '../streams/status-answer.ts';
import { Http2Exchange, type Http2ExchangeParts } from './http2-exchange.ts';
import type { Http2Pool } from './http2-pool.ts';
import type { HttpTarget, Opening } from './http-target.ts';

/** A service that speaks HTTP/2. */
export class Http2Target implements HttpTarget {
  readonly #pool: Http2Pool;
  readonly #parts: Http2ExchangeParts;
  readonly #noUpgrade = new StatusAnswer(501);

  constructor(pool: Http2Pool, parts: Http2ExchangeParts) {
    this.#pool = pool;
    this.#parts = parts;
  }

  begin(stream: LinkStream, request: RequestHead, { head }: Opening): StreamConsumer {
    if (request.upgrade !== undefined) return this.#noUpgrade.begin(stream, request);
    const exchange = new Http2Exchange(stream, request, head, this.#pool, this.#parts);
    exchange.begin();
    return exchange;
  }
}
