import type { RequestHead } from '@culvert/http1';
import type { LinkStream, StreamConsumer } from '@culvert/link';
import { ResetCode } from '@culvert/wire';
import { StatusAnswer } from '../streams/status-answer.ts';
import { Http2Exchange, type Http2ExchangeParts } from './http2-exchange.ts';
import type { Http2Pool } from './http2-pool.ts';
import { withHost } from './host-header.ts';
import type { HttpTarget, Opening } from './http-target.ts';

/** The only protocol for which HTTP/2 has a way (RFC 8441) that services in use know. */
function isWebSocket(upgrade: string): boolean {
  return upgrade.toLowerCase() === 'websocket';
}

/** A service that speaks HTTP/2. */
export class Http2Target implements HttpTarget {
  readonly #pool: Http2Pool;
  readonly #parts: Http2ExchangeParts;
  readonly #noUpgrade = new StatusAnswer(501);

  constructor(pool: Http2Pool, parts: Http2ExchangeParts) {
    this.#pool = pool;
    this.#parts = parts;
  }

  begin(stream: LinkStream, request: RequestHead, open: Opening): StreamConsumer | ResetCode {
    if (request.upgrade !== undefined && !isWebSocket(request.upgrade))
      return this.#noUpgrade.begin(stream, request);
    if (this.#pool.full) return ResetCode.Busy;
    const { host } = this.#parts;
    const head = host === undefined ? open.head : withHost(open.head, host);
    const exchange = new Http2Exchange(stream, request, head, this.#pool, this.#parts);
    exchange.begin();
    return exchange;
  }
}
