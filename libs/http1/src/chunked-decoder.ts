import type { BodyDecoder, BodySink } from './body-decoder.ts';
import { CR, LF } from './characters.ts';
import { ChunkLine } from './chunk-line.ts';
import { Http1Error } from './http1-error.ts';
import { DEFAULT_HEAD_LIMITS } from './limits.ts';
import { readTrailers } from './trailers.ts';

/** Bounds of one chunked message. */
export interface ChunkLimits {
  /** Bytes of chunk extensions in the whole message. */
  readonly extensionBytes: number;
  readonly trailerBytes: number;
  /** How many trailer lines. */
  readonly trailers: number;
}

export const DEFAULT_CHUNK_LIMITS: ChunkLimits = { extensionBytes: 8_192, trailerBytes: 8_192, trailers: 64 };

type State = 'line' | 'data' | 'data-cr' | 'data-lf' | 'trailers' | 'done';

/**
 * The chunked coding (RFC 9112 §7.1), read strictly: exact CRLFs, bare hexadecimal sizes, bounded extensions and
 * trailers. One decoder a message. Holds nothing of the body.
 */
export class ChunkedDecoder implements BodyDecoder {
  readonly #limits: ChunkLimits;
  readonly #line = new ChunkLine();
  #state: State = 'line';
  /** Bytes of the chunk at hand still to come. */
  #left = 0;
  #received = 0;
  #trailerText = '';
  #trailers = '';

  constructor(limits: ChunkLimits = DEFAULT_CHUNK_LIMITS) {
    this.#limits = limits;
  }

  get done(): boolean {
    return this.#state === 'done';
  }

  get received(): number {
    return this.#received;
  }

  /** Once done: the trailer lines fit to be passed on, each with its CRLF. */
  get trailers(): string {
    return this.#trailers;
  }

  push(buffer: Buffer, start: number, end: number, sink?: BodySink): number {
    let at = start;
    while (at < end && this.#state !== 'done') {
      if (this.#state === 'data') at = this.#takeData(buffer, at, end, sink);
      else if (this.#state === 'trailers') at = this.#takeTrailers(buffer, at, end);
      else {
        this.#takeFraming(buffer[at]!);
        at += 1;
      }
    }
    return at;
  }

  #takeData(buffer: Buffer, start: number, end: number, sink: BodySink | undefined): number {
    const stop = Math.min(end, start + this.#left);
    this.#left -= stop - start;
    this.#received += stop - start;
    if (this.#left === 0) this.#state = 'data-cr';
    sink?.onData(buffer, start, stop);
    return stop;
  }

  #takeFraming(code: number): void {
    if (this.#state === 'line') this.#takeLine(code);
    else if (this.#state === 'data-cr')
      this.#state = code === CR ? 'data-lf' : refuse('chunk longer than its size');
    else if (code !== LF) refuse('bare CR after chunk');
    else this.#state = 'line';
  }

  #takeLine(code: number): void {
    const line = this.#line;
    line.push(code);
    if (line.extensionBytes > this.#limits.extensionBytes) refuse('chunk extensions too long');
    if (!line.done) return;
    this.#left = line.size;
    this.#state = line.size === 0 ? 'trailers' : 'data';
    line.restart();
  }

  /** Line by line, so that a bare LF is refused where it stands. */
  #takeTrailers(buffer: Buffer, start: number, end: number): number {
    const feed = buffer.indexOf(LF, start);
    const stop = feed === -1 || feed >= end ? end : feed + 1;
    if (this.#trailerText.length + stop - start > this.#limits.trailerBytes) {
      throw new Http1Error('head_too_large', 'trailers too large');
    }
    this.#trailerText += buffer.toString('latin1', start, stop);
    if (this.#trailerText.endsWith('\n')) this.#endTrailerLine();
    return stop;
  }

  #endTrailerLine(): void {
    const text = this.#trailerText;
    if (!text.endsWith('\r\n')) refuse('bare LF in trailers');
    if (text.length > 2 && !text.endsWith('\r\n\r\n')) return;
    if (text.length > 2) this.#trailers = readTrailers(text, trailerLimits(this.#limits));
    this.#trailerText = '';
    this.#state = 'done';
  }
}

function trailerLimits(limits: ChunkLimits) {
  return { ...DEFAULT_HEAD_LIMITS, headBytes: limits.trailerBytes, fields: limits.trailers };
}

function refuse(reason: string): never {
  throw new Http1Error('bad_request', reason);
}
