import { parseTemplate, TemplateError } from './template.ts';
import type { Segment } from './template.ts';

const ORIGIN = /^(?:https?|\{scheme\}):\/\//;

/**
 * Where a redirect leads, taken apart. No request may choose the host beyond its own: `{host}` alone may stand in it.
 * Throws TemplateError.
 */
export function parseRedirect(to: string): readonly Segment[] {
  const origin = ORIGIN.exec(to);
  if (origin === null && !/^\/(?!\/)/.test(to)) {
    throw new TemplateError('must begin with "https://", "http://", "{scheme}://" or "/"');
  }
  if (/[\s\p{Cc}\\]/u.test(to)) throw new TemplateError('white space and "\\" have no place in it');
  const segments = parseTemplate(to);
  if (origin !== null) checkAuthority(to.slice(origin[0].length));
  return segments;
}

function checkAuthority(rest: string): void {
  const authority = /^(?:\{host\}|[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?(?=$|[/?#]|\{(?:uri|path)\})/i;
  if (!authority.test(rest)) {
    throw new TemplateError(
      'needs a host, perhaps a port, and then "/", "{uri}" or "{path}"; of placeholders only {host} may be the host',
    );
  }
}
