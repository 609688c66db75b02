import { CR, EQUALS, HEX, LF, QUOTE, SEMICOLON, TAB, TOKEN, VALUE, BACKSLASH } from './characters.ts';
import { Http1Error } from './http1-error.ts';

const MAX_DIGITS = 16;

const AT = {
  firstDigit: 0,
  digits: 1,
  extensionStart: 2,
  extensionName: 3,
  valueStart: 4,
  token: 5,
  quoted: 6,
  escaped: 7,
  afterQuoted: 8,
  lineFeed: 9,
  end: 10,
} as const;
type State = (typeof AT)[keyof typeof AT];

/**
 * The line that begins a chunk (RFC 9112 §7.1): hexadecimal size, then extensions, which are checked and passed
 * over. No white space anywhere, though the grammar tolerates some: readers disagree about it.
 */
export class ChunkLine {
  #state: State = AT.firstDigit;
  #digits = 0;
  #size = 0;
  #extensionBytes = 0;

  /** The size, valid once `done`. */
  get size(): number {
    return this.#size;
  }

  get done(): boolean {
    return this.#state === AT.end;
  }

  /** Bytes spent on extensions in all lines so far. */
  get extensionBytes(): number {
    return this.#extensionBytes;
  }

  /** Makes ready for the next chunk's line. */
  restart(): void {
    this.#state = AT.firstDigit;
    this.#digits = 0;
    this.#size = 0;
  }

  push(code: number): void {
    if (this.#state <= AT.digits) this.#pushSize(code);
    else if (this.#state === AT.lineFeed)
      this.#state = code === LF ? AT.end : refuse('bare CR in chunk size line');
    else this.#pushExtension(code);
  }

  #pushSize(code: number): void {
    const digit = HEX[code]!;
    if (digit !== 255) {
      this.#digits += 1;
      this.#size = this.#size * 16 + digit;
      if (this.#digits > MAX_DIGITS || this.#size > Number.MAX_SAFE_INTEGER) refuse('chunk size too large');
      this.#state = AT.digits;
    } else {
      if (this.#state === AT.firstDigit) refuse('bad chunk size');
      this.#endPart(code, 'bad chunk size');
    }
  }

  #pushExtension(code: number): void {
    this.#extensionBytes += 1;
    this.#state = this.#nextInExtension(code);
  }

  #nextInExtension(code: number): State {
    const token = TOKEN[code] !== 0;
    switch (this.#state) {
      case AT.extensionStart:
        return token ? AT.extensionName : refuse('bad chunk extension');
      case AT.extensionName:
        if (token) return AT.extensionName;
        return code === EQUALS ? AT.valueStart : this.#endPart(code, 'bad chunk extension');
      case AT.valueStart:
        if (code === QUOTE) return AT.quoted;
        return token ? AT.token : refuse('bad chunk extension');
      case AT.token:
        return token ? AT.token : this.#endPart(code, 'bad chunk extension');
      case AT.quoted:
        if (code === QUOTE) return AT.afterQuoted;
        if (code === BACKSLASH) return AT.escaped;
        return isText(code) ? AT.quoted : refuse('bad chunk extension');
      case AT.escaped:
        return isText(code) ? AT.quoted : refuse('bad chunk extension');
      default:
        return this.#endPart(code, 'bad chunk extension');
    }
  }

  /** After the size, a name or a value: the next extension or the line's end. */
  #endPart(code: number, problem: string): State {
    if (code === SEMICOLON) this.#state = AT.extensionStart;
    else if (code === CR) this.#state = AT.lineFeed;
    else refuse(problem);
    return this.#state;
  }
}

function isText(code: number): boolean {
  return VALUE[code] === 1 && code !== TAB;
}

function refuse(reason: string): never {
  throw new Http1Error('bad_request', reason);
}
