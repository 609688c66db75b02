import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_HEAD_LIMITS, fieldsOf, Http1Error, parseRequestHead, readRequestHead } from './index.ts';

const head = (...lines: readonly string[]) => `${lines.join('\r\n')}\r\n\r\n`;
const get = (target: string, ...lines: readonly string[]) =>
  head(`GET ${target} HTTP/1.1`, 'Host: a', ...lines);

describe('a request head', () => {
  it('tells which proxies it has passed, and keeps that as it came', () => {
    const parsed = parseRequestHead(get('/', 'Via: 1.0 a, 1.1 b (c)', 'X: y', 'vIA:  2 d '));
    expect(parsed.via).toBe('1.0 a, 1.1 b (c), 2 d');
    expect(parsed.fields).toBe('Via: 1.0 a, 1.1 b (c)\r\nX: y\r\nvIA:  2 d \r\n');
    expect(parseRequestHead(get('/')).via).toBeUndefined();
  });

  it('keeps end-to-end lines byte for byte, in their order, and gives the rest as values', () => {
    const parsed = parseRequestHead(
      head(
        'GET /p/x?q=1;2&%zz HTTP/1.1',
        ...[
          'X-First:  spaced\t ',
          'Host: App.Example.com:8443',
          'accept: */*',
          'Accept: a\xe9',
          'Keep-Alive: 5',
        ],
        ...[
          'Proxy-Authorization: Basic x',
          'TE: gzip, Trailers',
          'Expect: 100-Continue',
          'Content-Length: 12',
        ],
        ...['X-Forwarded-For: 1.1.1.1', 'X-Forwarded-For: 2.2.2.2', 'X-Forwarded-Prefix: /p', 'X-Last:'],
      ),
    );
    expect(parsed).toEqual({
      method: 'GET',
      target: '/p/x?q=1;2&%zz',
      path: '/p/x',
      minor: 1,
      host: 'App.Example.com:8443',
      hostname: 'app.example.com',
      body: 'length',
      contentLength: 12,
      keepAlive: true,
      upgrade: undefined,
      expectContinue: true,
      teTrailers: true,
      hasTrailerField: false,
      requestId: undefined,
      forwarded: {
        for: '1.1.1.1, 2.2.2.2',
        host: undefined,
        proto: undefined,
        port: undefined,
        realIp: undefined,
        forwarded: undefined,
        others: 'X-Forwarded-Prefix: /p\r\n',
      },
      fields: 'X-First:  spaced\t \r\naccept: */*\r\nAccept: a\xe9\r\nX-Last:\r\n',
    });
  });

  it.each([
    ['origin-form', 'GET /a?b HTTP/1.1', { target: '/a?b', path: '/a', host: 'a' }],
    [
      'absolute-form, whose authority wins',
      'GET http://B:81/c?d HTTP/1.1',
      { target: '/c?d', path: '/c', host: 'B:81', hostname: 'b' },
    ],
    ['absolute-form without a path', 'GET https://b?d HTTP/1.1', { target: '/?d', path: '/', host: 'b' }],
    ['asterisk-form', 'OPTIONS * HTTP/1.1', { target: '*', path: '*', host: 'a' }],
    [
      'absolute-form of OPTIONS without a path',
      'OPTIONS http://b HTTP/1.1',
      { target: '*', path: '*', host: 'b' },
    ],
    ['authority-form', 'CONNECT b:443 HTTP/1.1', { target: 'b:443', path: '', host: 'b:443', hostname: 'b' }],
    ['a lower-case method, which is another one', 'get / HTTP/1.1', { method: 'get' }],
    ['what browsers leave unescaped', 'GET /{a}|"?`^\\ HTTP/1.1', { path: '/{a}|"', target: '/{a}|"?`^\\' }],
  ])('takes a target in %s', (_form, line, expected) => {
    expect(parseRequestHead(head(line, 'Host: a'))).toMatchObject(expected);
  });

  it.each([
    ['HTTP/1.1', [], true],
    ['HTTP/1.1', ['Connection: close'], false],
    ['HTTP/1.1', ['Connection: x, CLOSE'], false],
    ['HTTP/1.1', ['Connection: keep-alive', 'Connection: close'], false],
    ['HTTP/1.1', ['Connection:'], true],
    ['HTTP/1.1', ['Proxy-Connection: close'], false],
    ['HTTP/1.0', [], false],
    ['HTTP/1.0', ['Connection: Keep-Alive'], true],
    ['HTTP/1.0', ['Connection: keep-alive, close'], false],
    ['HTTP/1.0', ['Proxy-Connection: keep-alive'], false],
  ])('in %s with %j persists: %s', (version, lines, keepAlive) => {
    expect(parseRequestHead(head(`GET / ${version}`, 'Host: a', ...lines)).keepAlive).toBe(keepAlive);
  });

  it('in HTTP/1.0 may lack a host, expects nothing and upgrades to nothing', () => {
    const parsed = parseRequestHead(
      head('GET / HTTP/1.0', 'Expect: 100-continue', 'Connection: upgrade', 'Upgrade: websocket'),
    );
    expect(parsed).toMatchObject({ host: '', hostname: '', expectContinue: false, upgrade: undefined });
  });

  it('upgrades only where Connection says so', () => {
    expect(parseRequestHead(get('/', 'Upgrade: websocket', 'Connection: keep-alive, Upgrade')).upgrade).toBe(
      'websocket',
    );
    expect(parseRequestHead(get('/', 'Upgrade: SPDY/3.1', 'Connection: upgrade')).upgrade).toBe('SPDY/3.1');
    expect(parseRequestHead(get('/', 'Upgrade: websocket')).upgrade).toBeUndefined();
  });

  it('keeps Trailer where a trailer section can follow', () => {
    const chunked = parseRequestHead(get('/', 'Trailer: X', 'Transfer-Encoding: Chunked'));
    expect(chunked).toMatchObject({ body: 'chunked', hasTrailerField: true, fields: 'Trailer: X\r\n' });
    expect(parseRequestHead(get('/', 'Trailer: X'))).toMatchObject({ hasTrailerField: false, fields: '' });
  });

  it.each([
    [414, get(`/${'a'.repeat(40)}`), { targetBytes: 40 }],
    [431, get('/', `${'n'.repeat(9)}: v`), { nameBytes: 8 }],
    [431, get('/', `n: ${'v'.repeat(9)}`), { valueBytes: 9 }],
    [431, get('/', 'a: b', 'c: d'), { fields: 2 }],
    [431, get('/'), { headBytes: 20 }],
    [414, get(`/${'a'.repeat(400)}`), { headBytes: 300, targetBytes: 40, nameBytes: 8 }],
    [501, head('BREW / HTTP/1.1', 'Host: a'), { methods: 'known' as const }],
    [501, head(`${'M'.repeat(65)} / HTTP/1.1`, 'Host: a'), {}],
  ])('beyond a limit is refused with %i', (status, text, limits) => {
    const read = () => parseRequestHead(text, { ...DEFAULT_HEAD_LIMITS, ...limits });
    expect(read).toThrow(expect.objectContaining({ name: 'Http1Error', status }) as Error);
  });

  it('may be anywhere in a larger buffer', () => {
    const text = get('/x', 'Connection: close', 'X: y');
    const bytes = Buffer.from(`junk${text}GET /next`, 'latin1');
    expect(readRequestHead(bytes, 4, 4 + text.length)).toEqual(parseRequestHead(text));
  });

  it('written out again and parsed again is the same', () => {
    const token = fc.stringMatching(/^[a-zA-Z0-9!#$%&'*+.^`|~-]{1,12}$/);
    const value = fc.stringMatching(/^(?:[!-~\xa1-\xff](?:[\t -~\xa1-\xff]{0,20}[!-~\xa1-\xff])?)?$/);
    const target = fc.stringMatching(/^\/[!"$-;=@-Z^-~]{0,20}(?:\?[!"$-~]{0,20})?$/);
    const fields = fc.array(
      fc.tuple(
        token.map((name) => `Q${name}`),
        value,
      ),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(token, target, fields, (method, path, list) => {
        fc.pre(method !== 'CONNECT');
        const lines = list.map(([name, text]) => `${name}: ${text}`);
        const parsed = parseRequestHead(head(`${method} ${path} HTTP/1.1`, 'Host: a', ...lines));
        const again = parseRequestHead(
          `${parsed.method} ${parsed.target} HTTP/1.1\r\nHost: ${parsed.host}\r\n${parsed.fields}\r\n`,
        );
        expect(again).toEqual(parsed);
        expect([...fieldsOf(parsed.fields)]).toEqual(list);
        expect([parsed.method, parsed.target]).toEqual([method, path]);
      }),
    );
  });

  it('refuses with a fixed phrase and none of the peer’s bytes', () => {
    const read = () => parseRequestHead(get('/', 'X<script>: \0'));
    expect(read).toThrow(Http1Error);
    expect(read).toThrow('bad character in field name');
  });
});
