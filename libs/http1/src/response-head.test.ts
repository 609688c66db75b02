import { describe, expect, it } from 'vitest';
import { Http1Error, parseResponseHead } from './index.ts';

const head = (...lines: readonly string[]) => `${lines.join('\r\n')}\r\n\r\n`;

describe('a response head', () => {
  it('keeps end-to-end lines byte for byte and gives framing and connection as values', () => {
    const parsed = parseResponseHead(
      head(
        'HTTP/1.1 200 Très bien',
        ...['Server: x', 'Content-Length: 5', 'Set-Cookie: a=1', 'Connection: close, X-Hop', 'X-Hop: 1'],
        ...['set-cookie: b=2', 'Keep-Alive: timeout=5', 'Proxy-Authenticate: Basic', 'Upgrade: h2,h2c'],
      ),
      'GET',
    );
    expect(parsed).toEqual({
      status: 200,
      minor: 1,
      reason: 'Très bien',
      body: 'length',
      contentLength: 5,
      keepAlive: false,
      upgrade: undefined,
      hasTrailerField: false,
      fields: 'Server: x\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\n',
    });
  });

  it.each([
    ['GET', 'HTTP/1.1 200 OK', [], 'close', -1, false],
    ['GET', 'HTTP/1.1 200 OK', ['Content-Length: 5'], 'length', 5, true],
    ['GET', 'HTTP/1.1 200 OK', ['Transfer-Encoding: chunked'], 'chunked', -1, true],
    ['GET', 'HTTP/1.0 200 OK', ['Content-Length: 5'], 'length', 5, false],
    ['GET', 'HTTP/1.0 200 OK', ['Content-Length: 5', 'Connection: keep-alive'], 'length', 5, true],
    ['HEAD', 'HTTP/1.1 200 OK', ['Content-Length: 5'], 'none', 5, true],
    ['HEAD', 'HTTP/1.1 200 OK', ['Transfer-Encoding: chunked'], 'none', -1, true],
    ['GET', 'HTTP/1.1 304 Not Modified', ['Content-Length: 5'], 'none', 5, true],
    ['GET', 'HTTP/1.1 204 No Content', [], 'none', -1, true],
    ['GET', 'HTTP/1.1 204 No Content', ['Content-Length: 0'], 'none', -1, true],
    ['GET', 'HTTP/1.1 204 No Content', ['Content-Length: 5'], 'none', -1, false],
    ['GET', 'HTTP/1.1 204 No Content', ['Transfer-Encoding: chunked'], 'none', -1, false],
    ['GET', 'HTTP/1.1 103 Early Hints', [], 'none', -1, true],
    ['CONNECT', 'HTTP/1.1 200 OK', ['Content-Length: 5'], 'none', -1, false],
    ['CONNECT', 'HTTP/1.1 403 No', ['Content-Length: 5'], 'length', 5, true],
  ] as const)('to %s, %s %j, has the body %s', (method, line, lines, body, contentLength, keepAlive) => {
    expect(parseResponseHead(head(line, ...lines), method)).toMatchObject({ body, contentLength, keepAlive });
  });

  it('switching protocols names the one', () => {
    const text = head('HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade');
    expect(parseResponseHead(text, 'GET')).toMatchObject({
      status: 101,
      upgrade: 'websocket',
      body: 'none',
      fields: '',
    });
  });

  it.each(['HTTP/1.1 204\r\n', 'HTTP/1.1 204 \r\n'])('may have no reason: %j', (line) => {
    expect(parseResponseHead(`${line}\r\n`, 'GET')).toMatchObject({ status: 204, reason: '' });
  });

  it.each([
    ...[
      'HTTP/1.1 99 x',
      'HTTP/1.1 1000 x',
      'HTTP/1.1 abc x',
      'HTTP/1.1 600 x',
      'HTTP/1.1 +20 x',
      'HTTP/1.1  200 x',
    ],
    ...[
      'HTTP/1.1 200 a\rb',
      'HTTP/1.1 200 a\0',
      'HTTP/1.1 200\tOK',
      'HTTP/1.1 200OK',
      'HTTP/2.0 200 OK',
      'HTTP/1.2 200 OK',
    ],
    ...['http/1.1 200 OK', 'ICY 200 OK', '', ' HTTP/1.1 200 OK', 'HTTP/1.1 200 OK\nX: y'],
  ])('with the status line %j is refused', (line) => {
    expect(() => parseResponseHead(head(line, 'Content-Length: 0'), 'GET')).toThrow(Http1Error);
  });

  it('keeps Trailer where a trailer section can follow', () => {
    const text = head('HTTP/1.1 200 OK', 'Trailer: X', 'Transfer-Encoding: chunked');
    expect(parseResponseHead(text, 'GET')).toMatchObject({ hasTrailerField: true, fields: 'Trailer: X\r\n' });
    expect(parseResponseHead(text, 'HEAD')).toMatchObject({ hasTrailerField: false, fields: '' });
  });
});
