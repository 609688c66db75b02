import type { ServerHttp2Stream } from 'node:http2';
import { headersOf } from './http2-head.ts';
import type { OwnAnswer } from './own-answer.ts';

/** Answers on a stream that has no response yet. */
export function answerOn(
  stream: ServerHttp2Stream,
  { status, fields, body }: OwnAnswer,
  method: string | undefined,
): void {
  const headers = headersOf(fields);
  headers[':status'] = status;
  const endStream = method === 'HEAD' || body === '';
  stream.respond(headers, { endStream });
  if (!endStream) stream.end(body, 'latin1');
}
