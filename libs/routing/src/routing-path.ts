const ESCAPE = /%[\da-f]{2}/gi;
const UNRESERVED = /[\w.~-]/;

/**
 * The path that decides where a request goes: escapes of unreserved characters undone, other escapes in upper case
 * and dot segments removed (RFC 3986 §6.2.2), so that `/public/../admin` and `/%61dmin` are routed as the `/admin`
 * that an upstream may take them for. Everything else stays as it came, `%2F` and `//` too. What is sent on is the
 * path as it came.
 */
export function routingPath(path: string): string {
  if (!path.includes('%') && !path.includes('/.')) return path;
  const plain = path.replace(ESCAPE, plainest);
  return plain.includes('/.') ? withoutDotSegments(plain) : plain;
}

function plainest(escape: string): string {
  const char = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
  return UNRESERVED.test(char) ? char : escape.toUpperCase();
}

function withoutDotSegments(path: string): string {
  const kept: string[] = [];
  const segments = path.split('/').slice(1);
  for (const segment of segments) {
    if (segment === '..') kept.pop();
    else if (segment !== '.') kept.push(segment);
  }
  const last = segments.at(-1);
  // "/a/." and "/a/.." name directories, as "/a/" does.
  if (last === '.' || last === '..') kept.push('');
  return `/${kept.join('/')}`;
}
