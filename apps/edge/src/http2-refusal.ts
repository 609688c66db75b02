import type { ServerHttp2Stream } from 'node:http2';
import { headersOf } from './http2-head.ts';
import { refusalAnswer } from './refusal.ts';
import type { Refusal, RefusalContext } from './refusal.ts';

/** Answers on a stream that has no response yet. */
export function refuseOn(
  stream: ServerHttp2Stream,
  refusal: Refusal,
  context: RefusalContext & { readonly method: string | undefined },
): void {
  const { status, fields, body } = refusalAnswer(refusal, context);
  const headers = headersOf(fields);
  headers[':status'] = status;
  const endStream = context.method === 'HEAD';
  stream.respond(headers, { endStream });
  if (!endStream) stream.end(body, 'latin1');
}
