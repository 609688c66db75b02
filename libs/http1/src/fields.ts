/**
 * The slow path over a block of field lines, each `name: value CRLF`: for header rules and the rare nominated
 * field. A block comes from a parsed head, or starts as the empty string.
 */
import { TAB, TOKEN, VALUE } from './characters.ts';

/** A field whose name is no token or whose value could break out of its line. */
export class FieldError extends Error {
  override readonly name = 'FieldError';
  readonly field: string;

  constructor(field: string, problem: string) {
    super(`${problem} in field ${JSON.stringify(field)}`);
    this.field = field;
  }
}

/** Name as it came and value without surrounding white space, line by line. */
export function* fieldsOf(fields: string): Generator<readonly [name: string, value: string]> {
  for (let at = 0; at < fields.length;) {
    const end = lineEnd(fields, at);
    const colon = fields.indexOf(':', at);
    yield [fields.slice(at, colon), trimmed(fields, colon + 1, end - 2)];
    at = end;
  }
}

/** The value of `name`, lists of several lines joined by `, `; `undefined` where there is none. */
export function getField(fields: string, name: string): string | undefined {
  const wanted = name.toLowerCase();
  let found: string | undefined;
  for (const [field, value] of fieldsOf(fields)) {
    if (field.length !== wanted.length || field.toLowerCase() !== wanted) continue;
    found = found === undefined ? value : `${found}, ${value}`;
  }
  return found;
}

/** Without any line of `name`. */
export function removeField(fields: string, name: string): string {
  return withoutFields(fields, new Set([name.toLowerCase()]));
}

/** With `name: value` as its only line of that name, put at the end. Throws FieldError. */
export function setField(fields: string, name: string, value: string): string {
  return addField(removeField(fields, name), name, value);
}

/** With one more line. Throws FieldError. */
export function addField(fields: string, name: string, value: string): string {
  return fields + fieldLine(name, value);
}

/** `name: value CRLF`, checked, so that no rule can inject a second line. Throws FieldError. */
export function fieldLine(name: string, value: string): string {
  if (name === '' || !every(name, (code) => TOKEN[code] !== 0)) throw new FieldError(name, 'bad name');
  if (!every(value, (code) => VALUE[code] === 1)) throw new FieldError(name, 'bad value');
  return `${name}: ${trimmed(value, 0, value.length)}\r\n`;
}

/** Without the lines whose name, in lower case, is in `names`. */
export function withoutFields(fields: string, names: ReadonlySet<string>): string {
  let left = '';
  for (let at = 0; at < fields.length;) {
    const end = lineEnd(fields, at);
    const name = fields.slice(at, fields.indexOf(':', at)).toLowerCase();
    if (!names.has(name)) left += fields.slice(at, end);
    at = end;
  }
  return left;
}

function lineEnd(fields: string, at: number): number {
  const end = fields.indexOf('\r\n', at);
  return end === -1 ? fields.length : end + 2;
}

/** text[start, end) without blanks around it: space and tab, and not what `trim` takes besides, which may be half a letter. */
export function trimmed(text: string, start: number, end: number): string {
  let from = start;
  let to = end;
  while (from < to && isBlank(text.charCodeAt(from))) from += 1;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to -= 1;
  return text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === TAB;
}

function every(text: string, allowed: (code: number) => boolean): boolean {
  for (let at = 0; at < text.length; at += 1) if (!allowed(text.charCodeAt(at))) return false;
  return true;
}
