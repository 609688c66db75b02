import type { RequestHead } from '@culvert/http1';
import type { LinkStream, StreamConsumer } from '@culvert/link';
import { HttpExchange, type ExchangeParts } from './http-exchange.ts';
import type { HttpTarget, Opening } from './http-target.ts';
import type { UpstreamPool } from './pool.ts';

/** A service that speaks HTTP/1.1. */
export class Http1Target implements HttpTarget {
  readonly #pool: UpstreamPool;
  readonly #parts: ExchangeParts;

  constructor(pool: UpstreamPool, parts: ExchangeParts) {
    this.#pool = pool;
    this.#parts = parts;
  }

  begin(stream: LinkStream, request: RequestHead, { head }: Opening): StreamConsumer {
    const exchange = new HttpExchange(stream, request, head, this.#pool, this.#parts);
    exchange.begin();
    return exchange;
  }
}
