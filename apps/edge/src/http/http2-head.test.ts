import { DEFAULT_HEAD_LIMITS, Http1Error, parseResponseHead } from '@culvert/http1';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headersOf, readHttp2Request, readHttp2Trailers, responseFields } from './http2-head.ts';

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

describe('the pairs of a request, whatever they are,', () => {
  const runs = Number(process.env['CULVERT_FUZZ_RUNS'] ?? 1_000);
  const odd = fc.string({ unit: fc.constantFrom(...'aB1:/?#@ ,;\t\r\n\0%_-\xe9'), maxLength: 6 });
  const mostly = (...sane: readonly string[]) =>
    fc.oneof({ weight: 30, arbitrary: fc.constantFrom(...sane) }, { weight: 1, arbitrary: odd });
  const pair = (name: string, ...values: readonly string[]) => fc.tuple(fc.constant(name), mostly(...values));
  const pseudo = fc.oneof(
    pair(':method', 'GET', 'POST', 'CONNECT'),
    pair(':path', '/', '*', 'http://b/'),
    pair(':authority', 'a', 'b:80'),
    pair(':scheme', 'http', 'https'),
    pair(':protocol', 'websocket', 'h2c'),
  );
  const field = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.tuple(mostly('x', 'accept', 'x-forwarded-for', 'via', 'cookie'), mostly('y', '')),
    },
    { weight: 1, arbitrary: pair('content-length', '0', '4', '4, 4', '+4') },
    { weight: 1, arbitrary: pair('host', 'a', 'b') },
    { weight: 1, arbitrary: pair('te', 'trailers', 'gzip') },
    {
      weight: 1,
      arbitrary: fc.tuple(mostly('connection', 'transfer-encoding', 'upgrade'), mostly('chunked', 'x')),
    },
    { weight: 1, arbitrary: pseudo },
  );
  const sane = fc
    .tuple(mostly('GET', 'POST', 'PUT'), mostly('/', '/a?b'), mostly('a', 'b:80'))
    .map(([method, path, authority]) => [
      [':method', method],
      [':scheme', 'https'],
      [':path', path],
      [':authority', authority],
    ]);
  const requests = fc.tuple(
    fc.oneof({ weight: 8, arbitrary: sane }, { weight: 1, arbitrary: fc.array(pseudo, { maxLength: 6 }) }),
    fc.array(field, { maxLength: 5 }),
  );

  it('are refused or keep their meaning in HTTP/1.1', () => {
    let accepted = 0;
    const law = ([pseudos, fields]: [string[][], [string, string][]], ended: boolean): void => {
      const pairs = [...pseudos, ...fields].flat();
      let head;
      try {
        const read = readHttp2Request(pairs, ended, DEFAULT_HEAD_LIMITS, () => 'key');
        if (read.protocol !== undefined) return;
        ({ head } = read);
      } catch (error) {
        if (error instanceof Http1Error) return;
        throw error;
      }
      accepted++;
      const all = (name: string) =>
        [...pseudos, ...fields].filter((one) => one[0] === name).map((one) => one[1]!);
      expect([head.method]).toEqual(all(':method'));
      expect([head.target]).toEqual(all(':path'));
      for (const host of [...all(':authority'), ...all('host')])
        expect(head.host.toLowerCase()).toBe(host.trim().toLowerCase());
      const lengths = all('content-length');
      if (lengths.length === 0)
        expect(head).toMatchObject({ body: ended ? 'none' : 'chunked', contentLength: -1 });
      else
        expect(lengths.map((text) => text.trim())).toEqual([
          expect.stringMatching(new RegExp(`^0*${head.contentLength}$`)),
        ]);
      expect([...all('connection'), ...all('transfer-encoding'), ...all('upgrade')]).toEqual([]);
      expect([head.upgrade, head.keepAlive, head.minor]).toEqual([undefined, true, 1]);
      const cookies = all('cookie');
      const given = fields.filter(([name]) => name !== 'cookie').map(([name, value]) => `${name}: ${value}`);
      if (cookies.length > 0) given.push(`cookie: ${cookies.join('; ').replace(/^(?:; )+/, '')}`);
      // In their order, none made up: what is no more the client's to say has been taken out.
      const kept = head.fields.split('\r\n').slice(0, -1);
      for (const line of kept) {
        const at = given.indexOf(line);
        expect([line, at]).not.toEqual([line, -1]);
        given.splice(0, at + 1);
      }
    };
    fc.assert(fc.property(requests, fc.boolean(), law), { numRuns: runs });
    expect(accepted).toBeGreaterThan(runs / 20);
  });
});

describe('trailers', () => {
  it('are passed on but for those that would change the message', () => {
    const pairs = ['x-sum', '1', 'set-cookie', 'a=b'];
    expect(readHttp2Trailers(pairs, DEFAULT_HEAD_LIMITS)).toBe('x-sum: 1\r\n');
  });

  it('may be none', () => expect(readHttp2Trailers([], DEFAULT_HEAD_LIMITS)).toBe(''));

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

it('a response head is passed on line by line, and says nothing of a connection', () => {
  // Half of a letter in UTF-8 is no blank, though it reads as one in latin1.
  const text =
    'HTTP/1.1 203 Fine\r\nContent-Length: 3\r\nX-A:  1 \r\nx-a: \xc3\xa0\r\nSet-Cookie: a\r\nX-Empty:\r\n\r\n';
  const head = parseResponseHead(text, 'GET');
  const pairs = responseFields({ ...head, fields: `${head.fields}TE: x\r\nConnection: close\r\n` });
  const expected = { ':status': '203', 'x-a': ['1', '\xc3\xa0'], 'set-cookie': 'a', 'x-empty': '' };
  const fields = Object.entries(expected).flatMap(([name, values]) =>
    [values].flat().flatMap((value) => [name, value]),
  );
  expect(pairs).toEqual([...fields, 'content-length', '3']);
});
