import { CR, COLON, LF, NAME, SPACE, TAB, VALUE } from './characters.ts';
import { readConnection, type ConnectionOptions } from './connection-options.ts';
import { FIELD, HASH_SEED, hashStep, kindOf, type FieldKind } from './field-names.ts';
import { withoutFields } from './fields.ts';
import { Http1Error } from './http1-error.ts';
import type { HeadLimits } from './limits.ts';

const X = 0x78;
const PREFIX = 'x-forwarded-';

function refuse(reason: string): never {
  throw new Http1Error('bad_request', reason);
}

function tooLarge(reason: string): never {
  throw new Http1Error('head_too_large', reason);
}

/**
 * One pass over the field lines of a head. It reads bytes, which costs half of what `charCodeAt` does, and cuts
 * strings out of the one text made of them; positions are those of the bytes. Lines kept are gathered as runs,
 * so a head that loses two lines costs three slices however long it is. Subclasses say what a known field means.
 */
export abstract class FieldReader {
  protected readonly bytes: Uint8Array;
  readonly #text: string;
  readonly #start: number;
  readonly #end: number;
  readonly #limits: HeadLimits;
  /** The end-to-end lines, as they came. */
  protected fields = '';
  protected contentLength = -1;
  protected chunked = false;
  protected hasTrailerField = false;
  protected upgradeList: string | undefined = undefined;
  protected connection: ConnectionOptions | undefined = undefined;
  #proxyClose = false;

  /**
   * The head is bytes[start, end), its empty line included.
   * @param text the same, where it is at hand
   */
  constructor(bytes: Buffer, start: number, end: number, limits: HeadLimits, text?: string) {
    if (end - start > limits.headBytes) tooLarge('head too large');
    if (end - start < 4 || bytes[end - 4] !== CR || bytes[end - 3] !== LF) refuse('unfinished head');
    if (bytes[end - 2] !== CR || bytes[end - 1] !== LF) refuse('unfinished head');
    this.bytes = bytes;
    this.#text = text ?? bytes.toString('latin1', start, end);
    this.#start = start;
    this.#end = end;
    this.#limits = limits;
  }

  /** What the known field at hand means: true drops its line. `start` and `end` bound the value without OWS. */
  protected abstract take(kind: FieldKind, start: number, end: number): boolean;

  /** A field `X-Forwarded-…` other than those with a kind of their own: true drops bytes[start, end), its line. */
  protected takeForwarded(_start: number, _end: number): boolean {
    return false;
  }

  protected slice(start: number, end: number): string {
    return this.#text.slice(start - this.#start, end - this.#start);
  }

  /** Reads all lines from `from` on. The empty line at the end, checked before, is what stops the loops. */
  protected read(from: number): void {
    const { bytes } = this;
    const { fields, nameBytes, valueBytes } = this.#limits;
    const last = this.#end - 2;
    let kept = from;
    let count = 0;
    let at = from;
    while (at < last) {
      const line = at;
      let hash = HASH_SEED;
      for (let code = NAME[bytes[at]!]!; code !== 0; code = NAME[bytes[at]!]!) {
        hash = hashStep(hash, code);
        at += 1;
      }
      const nameEnd = at;
      if (bytes[at] !== COLON || at === line) refuse(badName(bytes, line, at));
      do at += 1;
      while (VALUE[bytes[at]!] === 1);
      if (bytes[at] !== CR || bytes[at + 1] !== LF) refuse('bad character in field value');
      if (nameEnd - line > nameBytes) tooLarge('field name too long');
      if (at - nameEnd > valueBytes) tooLarge('field value too long');
      at += 2;
      count += 1;
      if (this.#drops(line, nameEnd, at - 2, hash)) {
        if (line > kept) this.fields += this.slice(kept, line);
        kept = at;
      }
    }
    if (at !== last) refuse('unfinished head');
    if (count > fields) tooLarge('too many fields');
    if (last > kept) this.fields += this.slice(kept, last);
    this.#dropNominated();
  }

  #drops(line: number, nameEnd: number, lineEnd: number, hash: number): boolean {
    const { bytes } = this;
    const kind = kindOf(bytes, line, nameEnd, hash);
    if (kind === FIELD.other)
      return this.#isForwarded(line, nameEnd) && this.takeForwarded(line, lineEnd + 2);
    let start = nameEnd + 1;
    let end = lineEnd;
    while (start < end && isBlank(bytes[start]!)) start += 1;
    while (end > start && isBlank(bytes[end - 1]!)) end -= 1;
    // Spelt with `_` it is not the field, but an upstream that reads CGI variables would take it for it.
    if (hasUnderscore(bytes, line, nameEnd)) return true;
    return this.take(kind, start, end);
  }

  #isForwarded(line: number, nameEnd: number): boolean {
    return (
      nameEnd - line > PREFIX.length &&
      (this.bytes[line]! | 0x20) === X &&
      this.slice(line, line + PREFIX.length)
        .toLowerCase()
        .replaceAll('_', '-') === PREFIX
    );
  }

  /** RFC 9112 §6.3 forbids what is repeated here; even equal values are refused. */
  protected takeContentLength(start: number, end: number): void {
    if (this.contentLength !== -1) refuse('repeated content-length');
    this.contentLength = lengthOf(this.bytes, start, end);
  }

  protected takeTransferEncoding(start: number, end: number): void {
    if (this.chunked) refuse('repeated transfer-encoding');
    // Some readers, llhttp among them, do not know `chunked` by a tab behind it.
    if (this.bytes[end] !== CR) refuse('bad transfer-encoding');
    const value = this.slice(start, end).toLowerCase();
    if (value !== 'chunked') refuseCoding(value);
    this.chunked = true;
  }

  protected takeConnection(start: number, end: number): void {
    this.connection = readConnection(this.slice(start, end), this.connection);
  }

  /** No standard and never passed on; but some servers close for it, so what follows on the connection is unsure. */
  protected takeProxyConnection(start: number, end: number): void {
    this.#proxyClose ||= /(?:^|[,\t ])close(?:$|[,\t ])/i.test(this.slice(start, end));
  }

  /** Whether the connection outlives the message by RFC 9112 §9.3. */
  protected persists(minor: 0 | 1): boolean {
    const options = this.connection;
    if (this.#proxyClose || options?.close === true) return false;
    return minor === 1 || options?.keepAlive === true;
  }

  protected takeUpgrade(start: number, end: number): void {
    const value = this.slice(start, end);
    this.upgradeList = this.upgradeList === undefined ? value : `${this.upgradeList}, ${value}`;
  }

  /** RFC 9110 §7.6.1: what Connection names goes no further. */
  #dropNominated(): void {
    const nominated = this.connection?.nominated;
    if (nominated !== undefined) this.fields = withoutFields(this.fields, nominated);
  }
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

function hasUnderscore(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (bytes[at] === 0x5f) return true;
  return false;
}

function badName(bytes: Uint8Array, line: number, at: number): string {
  const code = bytes[at]!;
  if (at > line) return isBlank(code) ? 'space before colon' : 'bad character in field name';
  return isBlank(code) ? 'folded field line' : 'empty field name';
}

/** `1*DIGIT` up to Number.MAX_SAFE_INTEGER; no sign, list, hexadecimal or space. */
function lengthOf(bytes: Uint8Array, start: number, end: number): number {
  let length = 0;
  for (let at = start; at < end; at += 1) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) refuse('bad content-length');
    length = length * 10 + digit;
  }
  if (start === end) refuse('bad content-length');
  if (end - start > 16 || length > Number.MAX_SAFE_INTEGER) {
    throw new Http1Error('content_too_large', 'content-length too large');
  }
  return length;
}

/** Codings we do not have are 501, but only where chunked frames the message; all else is ambiguous. */
function refuseCoding(value: string): never {
  const codings = value.split(',').map((coding) => coding.trim());
  const framed = codings.at(-1) === 'chunked' && codings.indexOf('chunked') === codings.length - 1;
  if (framed && codings.every((coding) => /^[\w!#$%&'*+.^`|~-]+$/.test(coding))) {
    throw new Http1Error('not_implemented', 'transfer coding not implemented');
  }
  refuse('bad transfer-encoding');
}
