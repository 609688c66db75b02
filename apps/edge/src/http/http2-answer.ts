import type { ServerHttp2Stream } from 'node:http2';
import { headersOf } from './http2-head.ts';
import type { OwnAnswer } from './own-answer.ts';

/**
 * An answer of the edge's own comes within microseconds. It waits so long, in ms, that frames which the client sent
 * right behind its head are judged first: of a stream that is over, node:http2 ignores what breaks the protocol.
 */
const DELAY_MS = 2;

/** Answers on a stream that has no response yet, unless it is gone by then. */
export function answerOn(stream: ServerHttp2Stream, answer: OwnAnswer, method: string | undefined): void {
  setTimeout(send, DELAY_MS, stream, answer, method);
}

function send(stream: ServerHttp2Stream, { status, fields, body }: OwnAnswer, method?: string): void {
  if (stream.destroyed || stream.closed) return;
  const headers = headersOf(fields);
  headers[':status'] = status;
  const endStream = method === 'HEAD' || body === '';
  stream.respond(headers, { endStream });
  if (!endStream) stream.end(body, 'latin1');
}
