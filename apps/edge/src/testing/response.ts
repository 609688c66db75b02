/** A response as a plain client understands it. */
export interface Response {
  readonly status: number;
  /** By name in lower case; several of one name joined by `, `. */
  readonly fields: Readonly<Partial<Record<string, string>>>;
  readonly body: string;
  /** The trailer lines of a chunked body. */
  readonly trailers: string;
  readonly head: string;
  /** Where it ends in the bytes received. */
  readonly end: number;
}

/** Whether the head tells where the body ends, or the request's method says that there is none. */
export type Framed = 'by head' | 'without body';

/** The response that begins at `from`; undefined while it is not whole. Written apart from the code under test. */
export function readResponse(
  bytes: Buffer,
  from: number,
  ended: boolean,
  framed: Framed,
): Response | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n', from, 'latin1');
  if (headEnd === -1) return undefined;
  const head = bytes.toString('latin1', from, headEnd);
  const [line = '', ...lines] = head.split('\r\n');
  const fields: Record<string, string> = {};
  for (const field of lines) {
    const colon = field.indexOf(':');
    const name = field.slice(0, colon).toLowerCase();
    const value = field.slice(colon + 1).trim();
    fields[name] = fields[name] === undefined ? value : `${fields[name]}, ${value}`;
  }
  const status = Number(line.split(' ')[1]);
  const rest = bytes.subarray(headEnd + 4);
  const body = bodyOf(rest, status, fields, ended, framed);
  if (body === undefined) return undefined;
  return { status, fields, head, body: body.text, trailers: body.trailers, end: headEnd + 4 + body.bytes };
}

interface Body {
  readonly text: string;
  readonly trailers: string;
  readonly bytes: number;
}

function bodyOf(
  rest: Buffer,
  status: number,
  fields: Readonly<Record<string, string>>,
  ended: boolean,
  framed: Framed,
): Body | undefined {
  const whole = (length: number): Body => ({
    text: rest.toString('latin1', 0, length),
    trailers: '',
    bytes: length,
  });
  if (framed === 'without body' || status < 200 || status === 204 || status === 304) return whole(0);
  if (fields['transfer-encoding'] === 'chunked') return chunked(rest.toString('latin1'));
  const length = fields['content-length'];
  if (length !== undefined) return rest.length < Number(length) ? undefined : whole(Number(length));
  return ended ? whole(rest.length) : undefined;
}

function chunked(rest: string): Body | undefined {
  let text = '';
  let at = 0;
  for (;;) {
    const lineEnd = rest.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    const size = Number.parseInt(rest.slice(at, lineEnd), 16);
    at = lineEnd + 2;
    if (size === 0) break;
    if (rest.length < at + size + 2) return undefined;
    text += rest.slice(at, at + size);
    at += size + 2;
  }
  if (rest.startsWith('\r\n', at)) return { text, trailers: '', bytes: at + 2 };
  const end = rest.indexOf('\r\n\r\n', at);
  return end === -1 ? undefined : { text, trailers: rest.slice(at, end + 2), bytes: end + 4 };
}
