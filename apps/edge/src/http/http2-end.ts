import type { ServerHttp2Stream } from 'node:http2';
import { headersOf } from './http2-head.ts';

/**
 * Lets a stream that is answered with `waitForTrailers` end with these lines, or without any. What may have to be
 * aborted is to be answered so: otherwise node:http2 ends a stream properly before it resets it, and the client takes
 * half a body for the whole.
 */
export function endByTrailers(stream: ServerHttp2Stream, trailers: () => string): void {
  stream.on('wantTrailers', () => {
    if (!stream.destroyed && !stream.closed) stream.sendTrailers(headersOf(trailers()));
  });
}
