import { FIELD, type FieldKind } from './field-names.ts';
import { FieldReader } from './field-reader.ts';
import { withoutFields } from './fields.ts';
import { Http1Error } from './http1-error.ts';
import type { HeadLimits } from './limits.ts';

/**
 * Fields that RFC 9110 §6.5.1 keeps out of trailers because they route, authenticate, control or describe the
 * message: a receiver that merges trailers into the head must not be told such things late.
 */
const DROPPED: ReadonlySet<string> = new Set(
  (
    'age authorization cache-control content-encoding content-location content-range content-type cookie date ' +
    'expires if-match if-modified-since if-none-match if-range if-unmodified-since location max-forwards pragma ' +
    'range retry-after set-cookie vary www-authenticate'
  ).split(' '),
);

/** The lines of a trailer section fit to be passed on; `text` ends with the empty line. Throws Http1Error. */
export function readTrailers(text: string, limits: HeadLimits): string {
  // HTTP/2 may tell them in a section of none.
  if (text === '\r\n') return '';
  const bytes = Buffer.from(text, 'latin1');
  return new TrailerReader(bytes, limits, text).lines();
}

class TrailerReader extends FieldReader {
  constructor(bytes: Buffer, limits: HeadLimits, text: string) {
    super(bytes, 0, bytes.length, limits, text);
    this.read(0);
  }

  lines(): string {
    return withoutFields(this.fields, DROPPED);
  }

  protected override take(kind: FieldKind): boolean {
    if (kind === FIELD.contentLength || kind === FIELD.transferEncoding || kind === FIELD.host) {
      throw new Http1Error('bad_request', 'forbidden trailer');
    }
    return true;
  }

  protected override takeForwarded(): boolean {
    return true;
  }
}
