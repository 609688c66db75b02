import type { RequestHead } from '@culvert/http1';
import type { LinkStream, StreamConsumer } from '@culvert/link';
import { ResetCode } from '@culvert/wire';
import { HttpExchange, type ExchangeParts } from './http-exchange.ts';
import { withHost } from './host-header.ts';
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

  begin(stream: LinkStream, request: RequestHead, open: Opening): StreamConsumer | ResetCode {
    if (this.#pool.full) return ResetCode.Busy;
    const { host } = this.#parts;
    const head = host === undefined ? open.head : withHost(open.head, host);
    const client = this.#pool.tellsClient ? open.client : undefined;
    const exchange = new HttpExchange(stream, request, head, this.#pool, this.#parts, client);
    exchange.begin();
    return exchange;
  }
}
