import { DEFAULT_HEAD_LIMITS, Http1Error } from '@culvert/http1';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headersOf, readHttp2Request, readHttp2Trailers } from './http2-head.ts';

const PSEUDO = [':method', 'GET', ':scheme', 'https', ':path', '/a?b', ':authority', 'app.test'];
const read = (pairs: readonly string[], ended = true) =>
  readHttp2Request(pairs, ended, DEFAULT_HEAD_LIMITS, () => 'key');
const reasonOf = (pairs: readonly string[]): string => {
  try {
    read(pairs);
  } catch (error) {
    if (error instanceof Http1Error) return error.reason;
    throw error;
  }
  return 'none';
};

/** Text that may hold everything that has a meaning in HTTP/1.1. */
const text = fc.string({ unit: fc.constantFrom(...'aB1:/?#@ \t\r\n\0%;,_-\xe9') });

describe('the head of a request', () => {
  it('has one Host, whichever of the two names it', () => {
    const host = (pairs: readonly string[]) => read(pairs).head.host;
    expect(host(PSEUDO)).toBe('app.test');
    expect(host([...PSEUDO, 'host', 'APP.test'])).toBe('app.test');
    expect(host([...PSEUDO.slice(0, 6), 'host', 'app.test'])).toBe('app.test');
  });

  it('frames a body by its length, or by chunks where only the stream’s end tells', () => {
    const body = (ended: boolean, ...more: string[]) => read([...PSEUDO, ...more], ended).head;
    expect(body(true).body).toBe('none');
    expect(body(false).body).toBe('chunked');
    expect(body(false, 'content-length', '3')).toMatchObject({ body: 'length', contentLength: 3 });
  });

  // nghttp2 refuses these before; the edge does not depend on it.
  it.each([
    ['missing :method', PSEUDO.slice(2)],
    ['bad :scheme', [':method', 'GET', ':path', '/', ':authority', 'a']],
    ['missing :path', PSEUDO.filter((_, at) => at < 4 || at > 5)],
    ['missing :authority', PSEUDO.slice(0, 6)],
    ['repeated pseudo-field', [...PSEUDO, ':path', '/']],
    ['pseudo-field after a field', ['a', 'b', ...PSEUDO]],
    ['bad :path', [':method', 'GET', ':scheme', 'http', ':path', 'http://b/', ':authority', 'a']],
    ['bad :protocol', [...PSEUDO, ':protocol', 'websocket']],
    ['host differs from :authority', [...PSEUDO, 'host', 'other.test']],
    ['repeated host', [...PSEUDO, 'host', 'app.test', 'host', 'app.test']],
    ['connection-specific field', [...PSEUDO, 'connection', 'close']],
    ['connection-specific field', [...PSEUDO, 'te', 'gzip']],
    ['bad field name', [...PSEUDO, 'X-A', '1']],
    ['bad character in field value', [...PSEUDO, 'x-a', '1\r\nx-b: 2']],
    ['bad character in field value', [...PSEUDO, 'cookie', 'a\n']],
    ['bad character in a pseudo-field', [...PSEUDO.slice(0, 6), ':authority', 'a\r\nb: c']],
    ['repeated content-length', [...PSEUDO, 'content-length', '1', 'content-length', '1']],
    ['bad host', [...PSEUDO.slice(0, 6), ':authority', 'a b']],
  ])('is refused for: %s', (reason, pairs) => {
    expect(reasonOf(pairs)).toBe(reason);
  });

  it('never has more fields, nor other ones, than its pairs have', () => {
    fc.assert(
      fc.property(text, text, text, (path, name, value) => {
        const pairs = [
          ':method',
          'GET',
          ':scheme',
          'http',
          ':path',
          `/${path}`,
          ':authority',
          'a',
          name,
          value,
        ];
        try {
          const { head } = read(pairs);
          const lines = head.fields.split('\r\n').slice(0, -1);
          expect(head.target).toBe(`/${path}`);
          expect(lines.length).toBeLessThanOrEqual(1);
          for (const line of lines) expect(line).toBe(`${name}: ${value}`);
        } catch (error) {
          if (!(error instanceof Http1Error)) throw error;
        }
      }),
    );
  });
});

describe('trailers', () => {
  it('are passed on but for those that would change the message', () => {
    const pairs = ['x-sum', '1', 'set-cookie', 'a=b'];
    expect(readHttp2Trailers(pairs, DEFAULT_HEAD_LIMITS)).toBe('x-sum: 1\r\n');
  });

  it.each([
    ['a pseudo-field', [':path', '/']],
    ['a line of its own', ['x', '1\r\ny: 2']],
    ['framing', ['content-length', '3']],
  ])('with %s are refused', (_, pairs) => {
    expect(() => readHttp2Trailers(pairs, DEFAULT_HEAD_LIMITS)).toThrow(Http1Error);
  });
});

it('fields of a response keep cookies apart, join what is repeated and say nothing of a connection', () => {
  const fields =
    'Set-Cookie: a=1\r\nX-A:  1 \r\nset-cookie: b=2\r\nx-a: 2\r\nX-Empty:\r\nConnection: close\r\nTE: x\r\n';
  expect({ ...headersOf(fields) }).toEqual({ 'set-cookie': ['a=1', 'b=2'], 'x-a': '1, 2', 'x-empty': '' });
});
