import { readFileSync } from 'node:fs';

/** What a client gets when the edge answers itself. */
export type PageKind = 'html' | 'json' | 'text';

/** Files by kind; what is absent is the edge's own. */
export type PageFiles = { readonly [Kind in PageKind]?: string };

const NAMES = ['status', 'title', 'code', 'reason', 'request_id', 'host'] as const;
/** What the placeholders of a page stand for: ASCII. */
export type PageValues = Readonly<Record<(typeof NAMES)[number], string>>;

const MAX_BYTES = 65_536;
const SAMPLE: PageValues = {
  status: '503',
  title: 'No agent',
  code: 'no_agent',
  reason: 'no "agent"',
  request_id: 'id',
  host: 'example.com',
};

const ESCAPED = {
  html: (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`),
  json: (text: string) => JSON.stringify(text).slice(1, -1),
  text: (text: string) => text,
} as const satisfies Record<PageKind, (text: string) => string>;

/** An installation's own pages for what the edge refuses, read when the edge starts. */
export class ErrorPages {
  readonly #pages: ReadonlyMap<PageKind, ErrorPage>;

  /** Throws ErrorPageError. */
  constructor(files: PageFiles) {
    const entries = Object.entries(files) as [PageKind, string][];
    this.#pages = new Map(entries.map(([kind, file]) => [kind, readErrorPage(kind, file)]));
  }

  /** Latin1 text whose bytes are UTF-8; undefined where there is no page of the kind. */
  body(kind: PageKind, values: PageValues): string | undefined {
    return this.#pages.get(kind)?.filled(values);
  }
}

/** A file that is no page; the message says why. */
export class ErrorPageError extends Error {
  override readonly name = 'ErrorPageError';
}

/** Throws ErrorPageError. */
export function readErrorPage(kind: PageKind, file: string): ErrorPage {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ErrorPageError(`${file} cannot be read: ${reason}`, { cause });
  }
  if (bytes.length > MAX_BYTES) throw new ErrorPageError(`${file} has more than ${MAX_BYTES} bytes`);
  const page = new ErrorPage(kind, bytes.toString('latin1'), file);
  if (kind === 'json') checkJson(page.filled(SAMPLE), file);
  return page;
}

/** Literal text and names of values, in turn. */
class ErrorPage {
  readonly #kind: PageKind;
  readonly #parts: readonly string[];

  constructor(kind: PageKind, text: string, file: string) {
    this.#kind = kind;
    this.#parts = text.split(/\{([a-z_]+)\}/);
    const odd = this.#parts.find((part, at) => at % 2 === 1 && !NAMES.some((name) => name === part));
    if (odd === undefined) return;
    const known = NAMES.map((name) => `{${name}}`).join(', ');
    throw new ErrorPageError(`${file}: unknown placeholder {${odd}}; known are ${known}`);
  }

  filled(values: PageValues): string {
    const escape = ESCAPED[this.#kind];
    return this.#parts
      .map((part, at) => (at % 2 === 0 ? part : escape(values[part as keyof PageValues])))
      .join('');
  }
}

function checkJson(text: string, file: string): void {
  try {
    JSON.parse(text);
  } catch (cause) {
    throw new ErrorPageError(`${file} is not JSON once its placeholders are filled`, { cause });
  }
}
