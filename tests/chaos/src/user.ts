import { Agent, request } from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import type { Fronts } from './fronts.ts';

/** How long a user waits for anything to happen, ms. */
const PATIENCE_MS = 30_000;

/** Nothing or only a part of an answer came. */
export class NoAnswerError extends Error {
  /** Whether it may have met the close of an idle connection: it was kept from before, and nothing was answered. */
  readonly onKeptConnection: boolean;

  constructor(cause: NodeJS.ErrnoException, onKeptConnection: boolean) {
    super(cause.code ?? cause.message, { cause });
    this.name = 'NoAnswerError';
    this.onKeptConnection = onKeptConnection;
  }
}

class ImpatienceError extends Error {
  override readonly name = 'ImpatienceError';
  readonly code = 'NO_PATIENCE';
}

export interface Asked {
  readonly hostname: string;
  readonly method: string;
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders;
  /** Written piece by piece, each when the one before has been taken and so many ms are over. */
  readonly body?: Iterable<Buffer>;
  readonly pieceMs?: number;
}

/** Somebody with a browser: a kept connection, or several while one is busy, each to an edge that was up when it began. */
export class User {
  readonly #fronts: Fronts;
  readonly #agent: Agent;

  constructor(fronts: Fronts) {
    this.#fronts = fronts;
    this.#agent = new Agent({ keepAlive: true, maxFreeSockets: 4 });
    // Whichever edge the balancer names: to the agent they are one host.
    this.#agent.createConnection = () => this.connect();
  }

  /** To the edge that is next in turn. */
  connect() {
    return connect({ ...this.#fronts.pick(), noDelay: true });
  }

  /** Resolves with the head of the answer. @throws NoAnswerError */
  ask({ hostname, method, path, headers = {}, body, pieceMs = 0 }: Asked): Promise<IncomingMessage> {
    const outgoing = request({
      agent: this.#agent,
      method,
      path,
      headers: { host: hostname, ...headers },
    });
    return new Promise((resolve, reject) => {
      outgoing.setTimeout(PATIENCE_MS, () => outgoing.destroy(new ImpatienceError('no answer')));
      outgoing.once('response', resolve);
      outgoing.on('error', (error) => reject(new NoAnswerError(error, outgoing.reusedSocket)));
      if (body === undefined) return void outgoing.end();
      const pieces = body[Symbol.iterator]();
      const next = (): void => {
        const { value, done } = pieces.next() as IteratorResult<Buffer, undefined>;
        if (done === true) return void outgoing.end();
        outgoing.write(value, () => (pieceMs === 0 ? next() : setTimeout(next, pieceMs)));
      };
      next();
    });
  }

  /** Ends connections that carry nothing. */
  leave(): void {
    this.#agent.destroy();
  }
}
