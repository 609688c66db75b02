import { ChunkedDecoder, type ChunkLimits } from './chunked-decoder.ts';
import { LengthDecoder } from './length-decoder.ts';

/** Receives body bytes as views: buffer[start, end) is the caller's and valid only during the call. */
export interface BodySink {
  onData(buffer: Buffer, start: number, end: number): void;
}

/** Finds the end of one message body in bytes that arrive in any pieces. */
export interface BodyDecoder {
  /** The body has ended: `push` takes nothing more. */
  readonly done: boolean;
  /** Body bytes so far, without framing. */
  readonly received: number;
  /**
   * Takes from buffer[start, end) what belongs to the message and returns where that ends: `end`, unless the
   * message ended before, in which case the rest is the next one's. Throws Http1Error.
   */
  push(buffer: Buffer, start: number, end: number, sink?: BodySink): number;
}

/** The decoder for what a head announces; `undefined` where there is no body. A `close` body is never done. */
export function bodyDecoder(
  head: { readonly body: 'none' | 'length' | 'chunked' | 'close'; readonly contentLength: number },
  limits?: ChunkLimits,
): BodyDecoder | undefined {
  if (head.body === 'none') return undefined;
  if (head.body === 'chunked') return new ChunkedDecoder(limits);
  return new LengthDecoder(head.body === 'length' ? head.contentLength : Infinity);
}
