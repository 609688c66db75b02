/** What a request can put into a text of its route's policy. */
export const PLACEHOLDERS = [
  'client_ip',
  'client_port',
  'host',
  'method',
  'path',
  'query',
  'uri',
  'scheme',
  'request_id',
  'edge',
  'region',
  'tunnel',
] as const;

export type PlaceholderName = (typeof PLACEHOLDERS)[number];

/** Literal text, a fact about the request, or a field of it by its name in lower case. */
export type Segment = string | { readonly placeholder: PlaceholderName } | { readonly requestHeader: string };

/** A text whose placeholders cannot be read; the message says which. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

const REQUEST_HEADER = 'request_header.';
const FIELD_NAME = /^[\w!#$%&'*+.^`|~-]+$/;
/** Doubled braces, a placeholder, or a brace that begins none. */
const BRACES = /\{\{|\}\}|\{([^{}]*)\}|\{/g;

/** Takes a text apart once, so that nothing of it is read again for a request. Throws TemplateError. */
export function parseTemplate(text: string): readonly Segment[] {
  const segments: Segment[] = [];
  let literal = '';
  let at = 0;
  for (const match of text.matchAll(BRACES)) {
    literal += text.slice(at, match.index);
    at = match.index + match[0].length;
    if (match[0] === '{{' || match[0] === '}}') literal += match[0].charAt(0);
    else {
      if (literal !== '') segments.push(literal);
      literal = '';
      segments.push(placeholder(match[1]));
    }
  }
  literal += text.slice(at);
  if (literal !== '') segments.push(literal);
  return segments;
}

function placeholder(name: string | undefined): Segment {
  if (name === undefined) throw new TemplateError('a "{" that begins no placeholder is written "{{"');
  const known = PLACEHOLDERS.find((placeholder) => placeholder === name);
  if (known !== undefined) return { placeholder: known };
  if (name.startsWith(REQUEST_HEADER)) {
    const field = name.slice(REQUEST_HEADER.length);
    if (FIELD_NAME.test(field)) return { requestHeader: field.toLowerCase() };
  }
  const listed = [...PLACEHOLDERS, 'request_header.NAME'].map((each) => `{${each}}`).join(', ');
  throw new TemplateError(`unknown placeholder {${name}}; known are ${listed}; a "{" itself is written "{{"`);
}
