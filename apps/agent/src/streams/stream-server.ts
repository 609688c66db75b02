import { DEFAULT_HEAD_LIMITS, Http1Error, parseRequestHead, type HeadLimits } from '@culvert/http1';
import type { LinkStream, StreamConsumer } from '@culvert/link';
import { MAX_HEAD_BYTES, Protocol, ResetCode, type ReadOpen } from '@culvert/wire';
import type { AgentCounters } from '../counters.ts';
import type { Services } from '../services.ts';
import { RawRelay } from '../upstream/raw-relay.ts';

/** The edge has applied its own limits; these only keep a broken one from costing without bound. */
const REQUEST_LIMITS: HeadLimits = {
  ...DEFAULT_HEAD_LIMITS,
  headBytes: MAX_HEAD_BYTES,
  targetBytes: 65_536,
  valueBytes: MAX_HEAD_BYTES,
  fields: 1_024,
};

export interface StreamServerOptions {
  readonly counters: AgentCounters;
  readonly services: Services;
}

/** Takes the streams that edges open and leads each to its service. */
export class StreamServer {
  readonly #options: StreamServerOptions;
  readonly #counters: AgentCounters;

  constructor(options: StreamServerOptions) {
    this.#options = options;
    this.#counters = options.counters;
  }

  /** Returns who takes what arrives on the stream, or the code to refuse it with. */
  serve(stream: LinkStream, open: ReadOpen): StreamConsumer | ResetCode {
    const served =
      open.protocol === Protocol.Http ? this.#serveHttp(stream, open) : this.#serveRaw(stream, open);
    if (typeof served === 'number') this.#counters.countReset(served);
    return served;
  }

  #serveHttp(stream: LinkStream, open: ReadOpen): StreamConsumer | ResetCode {
    const request = readHead(open.head);
    // A tunnel through the service would leave its connection in a state that nobody here knows.
    if (request === undefined || request.method === 'CONNECT') return ResetCode.Protocol;
    const target = this.#options.services.forRequest(open.hostname, request.path);
    if (target === undefined) return ResetCode.NoRoute;
    return target.begin(stream, request, open);
  }

  #serveRaw(stream: LinkStream, open: ReadOpen): StreamConsumer | ResetCode {
    const pool = this.#options.services.forConnection(open.hostname);
    if (pool === undefined) return ResetCode.NoRoute;
    if (pool.full) return ResetCode.Busy;
    const relay = new RawRelay(stream, this.#counters);
    relay.begin(pool.connect(relay, pool.tellsClient ? open.client : undefined));
    return relay;
  }
}

/** The head goes to the service as it is, so it must mean the same to everyone: read strictly or not at all. */
function readHead(text: string): ReturnType<typeof parseRequestHead> | undefined {
  try {
    return parseRequestHead(text, REQUEST_LIMITS);
  } catch (error) {
    if (error instanceof Http1Error) return undefined;
    throw error;
  }
}
