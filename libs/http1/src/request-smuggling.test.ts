import { describe, expect, it } from 'vitest';
import { bodyDecoder, Http1Error, parseRequestHead, parseResponseHead } from './index.ts';

const request = (...lines: readonly string[]) =>
  `${['POST / HTTP/1.1', 'Host: a', ...lines].join('\r\n')}\r\n\r\n`;
const response = (...lines: readonly string[]) => `${['HTTP/1.1 200 OK', ...lines].join('\r\n')}\r\n\r\n`;

function refusal(read: () => unknown): string {
  try {
    return `accepted ${JSON.stringify(read())}`;
  } catch (error) {
    return error instanceof Http1Error ? `${error.status} ${error.reason}` : String(error);
  }
}

describe('what two readers could frame differently', () => {
  it.each([
    ['400 content-length with transfer-encoding', ['Content-Length: 5', 'Transfer-Encoding: chunked']],
    ['400 content-length with transfer-encoding', ['Transfer-Encoding: chunked', 'content-length: 5']],
    ['400 repeated content-length', ['Content-Length: 5', 'Content-Length: 6']],
    ['400 repeated content-length', ['Content-Length: 5', 'Content-Length: 5']],
    ['400 bad content-length', ['Content-Length: 5, 5']],
    ['400 bad content-length', ['Content-Length: +5']],
    ['400 bad content-length', ['Content-Length: -5']],
    ['400 bad content-length', ['Content-Length: 0x5']],
    ['400 bad content-length', ['Content-Length: 5 5']],
    ['400 bad content-length', ['Content-Length: 5;']],
    ['400 bad content-length', ['Content-Length:']],
    ['413 content-length too large', ['Content-Length: 9007199254740992']],
    ['413 content-length too large', ['Content-Length: 00000000000000005']],
    ['400 repeated transfer-encoding', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked']],
    ['400 bad transfer-encoding', ['Transfer-Encoding: identity']],
    ['400 bad transfer-encoding', ['Transfer-Encoding: chunked, identity']],
    ['400 bad transfer-encoding', ['Transfer-Encoding: chunked, chunked']],
    ['400 bad transfer-encoding', ['Transfer-Encoding: xchunked']],
    ['400 bad transfer-encoding', ['Transfer-Encoding: "chunked"']],
    ['400 bad transfer-encoding', ['Transfer-Encoding: chunked;q=1']],
    ['400 bad transfer-encoding', ['Transfer-Encoding: ch\x80unked']],
    ['400 bad transfer-encoding', ['Transfer-Encoding: ,chunked']],
    ['400 bad transfer-encoding', ['Transfer-Encoding:']],
    ['400 bad transfer-encoding', ['Transfer-Encoding: chunked\t']],
    ['400 bad transfer-encoding', ['Transfer-Encoding: gzip', 'Transfer-Encoding: chunked']],
    ['501 transfer coding not implemented', ['Transfer-Encoding: gzip, chunked']],
    ['400 space before colon', ['Transfer-Encoding : chunked']],
    ['400 space before colon', ['Content-Length\t: 5']],
    ['400 folded field line', ['X: a', ' Transfer-Encoding: chunked']],
    ['400 folded field line', ['X: a', '\tb']],
    ['400 bad character in field name', ['Transfer-Encoding\x0b: chunked']],
    ['400 empty field name', ['\x0bTransfer-Encoding: chunked']],
    ['400 bad character in field name', ['X\x80: b']],
    ['400 bad character in field name', ['nocolon']],
    ['400 space before colon', ['no colon']],
    ['400 empty field name', [': b']],
    ['400 bad character in field value', ['X: a\0b']],
    ['400 bad character in field value', ['X: a\rb']],
    ['400 bad character in field value', ['X: a\nTransfer-Encoding: chunked']],
    ['400 bad character in field value', ['X: a\x7f']],
    ['400 bad character in field value', ['Transfer-Encoding:\x0bchunked']],
    ['400 repeated host', ['Host: a']],
    ['400 repeated host', ['hOST: b']],
    ['400 bad connection option', ['Connection: "close"']],
  ])('is refused in a request: %s %j', (problem, lines) => {
    expect(refusal(() => parseRequestHead(request(...lines)))).toBe(problem);
  });

  it.each([
    ['content-length with transfer-encoding', ['Content-Length: 5', 'Transfer-Encoding: chunked']],
    ['repeated content-length', ['Content-Length: 5', 'Content-Length: 5']],
    ['bad transfer-encoding', ['Transfer-Encoding: chunked, gzip']],
    ['transfer coding not implemented', ['Transfer-Encoding: gzip, chunked']],
    ['folded field line', ['X: a', ' b']],
    ['space before colon', ['X : a']],
    ['bad character in field value', ['X: a\0b']],
    ['bad character in field value', ['X: a\nb: c']],
  ])('is the upstream’s fault in a response: %s %j', (problem, lines) => {
    expect(refusal(() => parseResponseHead(response(...lines), 'GET'))).toBe(`502 ${problem}`);
  });

  it('is refused in HTTP/1.0 where it is chunked', () => {
    const head = 'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
    expect(refusal(() => parseRequestHead(head))).toBe('400 transfer-encoding in HTTP/1.0');
  });

  it.each([
    ['400 bad request target', 'GET /\r\n\r\n'],
    ['400 bad request target', 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['400 bad request line', 'GET /  HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['400 bad method', 'GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['400 bad method', ' GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['400 bad method', 'G@T / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['400 bad method', '\r\n\r\n'],
    ['400 bad request line', 'GET / HTTP/1.1 \r\nHost: a\r\n\r\n'],
    ['400 bad request line', 'GET / HTTP/1.1\nHost: a\r\n\r\n'],
    ['400 bad request line', 'GET / http/1.1\r\nHost: a\r\n\r\n'],
    ['400 bad request line', 'GET / HTTP/11\r\nHost: a\r\n\r\n'],
    ['505 HTTP version not supported', 'GET / HTTP/1.2\r\nHost: a\r\n\r\n'],
    ['505 HTTP version not supported', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n'],
    ['505 HTTP version not supported', 'GET / HTTP/0.9\r\nHost: a\r\n\r\n'],
    ['400 bad request target', 'GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['400 bad request target', 'GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['400 bad request target', 'GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['400 bad request target', 'GET a HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['400 bad request target', 'GET * HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['400 bad request target', 'GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['400 bad request target', 'GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['400 bad host', 'GET http://u@b/ HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['400 bad host', 'GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['400 bad host', 'GET http://b/ HTTP/1.1\r\nHost: a b\r\n\r\n'],
    ['400 bad request target', 'CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['400 bad request target', 'CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['400 TRACE with a body', 'TRACE / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n'],
    ['400 CONNECT with a body', 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n'],
    ['400 missing host', 'GET / HTTP/1.1\r\n\r\n'],
    ['400 missing host', 'GET http://a/ HTTP/1.1\r\n\r\n'],
    ['400 bad host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n'],
    ['400 bad host', 'GET / HTTP/1.1\r\nHost: a, b\r\n\r\n'],
    ['400 bad host', 'GET / HTTP/1.1\r\nHost: u@a\r\n\r\n'],
    ['400 bad host', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n'],
    ['400 bad host', 'GET / HTTP/1.1\r\nHost: a:\r\n\r\n'],
    ['400 bad host', 'GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n'],
    ['417 unknown expectation', 'GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n'],
    ['400 unfinished head', 'GET / HTTP/1.1\r\nHost: a\r\n'],
    ['400 empty field name', 'GET / HTTP/1.1\r\nHost: a\r\n\r\nX: y\r\n\r\n'],
  ])('is refused in the start of a request: %s %j', (problem, head) => {
    expect(refusal(() => parseRequestHead(head))).toBe(problem);
  });
});

describe('a hostile Connection field', () => {
  it('cannot take framing, host or what vouches for the request away', () => {
    const head = parseRequestHead(
      request(
        'Connection: Host, Content-Length, X-Forwarded-For, Forwarded, X-Real-IP, Via, X-Request-Id',
        ...[
          'Content-Length: 5',
          'X-Forwarded-For: 1.2.3.4',
          'X-Real-IP: 1.2.3.4',
          'Forwarded: for=a',
          'Via: 1.1 b',
        ],
        'X-Request-Id: r',
      ),
    );
    expect(head).toMatchObject({
      host: 'a',
      body: 'length',
      contentLength: 5,
      requestId: 'r',
      fields: 'Via: 1.1 b\r\n',
    });
    expect(head.forwarded).toMatchObject({ for: '1.2.3.4', realIp: '1.2.3.4', forwarded: 'for=a' });
  });

  it('cannot unframe a chunked message', () => {
    const lines = ['Connection: Transfer-Encoding', 'Transfer-Encoding: chunked'];
    expect(parseRequestHead(request(...lines)).body).toBe('chunked');
    expect(parseResponseHead(response(...lines), 'GET').body).toBe('chunked');
  });

  it('may name other fields, in any order and case, and they go no further', () => {
    const head = parseRequestHead(
      request('x-a: 1', 'Connection: X-A, close, x-b', 'X-B: 2', 'X-C: 3', 'X-A: 4'),
    );
    expect(head.fields).toBe('X-C: 3\r\n');
    expect(head.keepAlive).toBe(false);
  });

  it('may not name fields without end', () => {
    const names = Array.from({ length: 40 }, (_, index) => `x-${index}`).join(', ');
    expect(refusal(() => parseRequestHead(request(`Connection: ${names}`)))).toBe(
      '400 too many connection options',
    );
  });
});

describe('look-alikes of framing and forwarding fields', () => {
  it.each([
    'Content_Length: 5',
    'Transfer_Encoding: chunked',
    'X_Forwarded_For: 1.2.3.4',
    'x-forwarded_user: root',
  ])('are neither believed nor passed on: %s', (line) => {
    const head = parseRequestHead(request(line, 'X: y'));
    expect(head).toMatchObject({ body: 'none', fields: 'X: y\r\n' });
    expect(head.forwarded.for).toBeUndefined();
  });

  it('an upgrade to h2c is never passed on', () => {
    const lines = ['Connection: Upgrade, HTTP2-Settings', 'HTTP2-Settings: AAMAAABk'];
    expect(parseRequestHead(request('Upgrade: h2c', ...lines))).toMatchObject({
      upgrade: undefined,
      fields: '',
    });
    expect(parseRequestHead(request('Upgrade: websocket, H2C', ...lines)).upgrade).toBe('websocket');
  });

  it('an upgrade with a body in between is not one', () => {
    const lines = ['Connection: Upgrade', 'Upgrade: websocket'];
    expect(parseRequestHead(request(...lines, 'Content-Length: 5')).upgrade).toBeUndefined();
    expect(parseRequestHead(request(...lines, 'Transfer-Encoding: chunked')).upgrade).toBeUndefined();
    expect(parseRequestHead(request(...lines, 'Content-Length: 0')).upgrade).toBe('websocket');
  });
});

describe('a chunked body', () => {
  const read = (text: string) => {
    const decoder = bodyDecoder({ body: 'chunked', contentLength: -1 });
    const bytes = Buffer.from(text, 'latin1');
    return decoder?.push(bytes, 0, bytes.length);
  };

  it.each([
    ['bad chunk size', '0x5\r\nhello\r\n0\r\n\r\n'],
    ['bad chunk size', '+5\r\nhello\r\n0\r\n\r\n'],
    ['bad chunk size', '-5\r\nhello\r\n0\r\n\r\n'],
    ['bad chunk size', ' 5\r\nhello\r\n0\r\n\r\n'],
    ['bad chunk size', '5 \r\nhello\r\n0\r\n\r\n'],
    ['bad chunk size', '5\t\r\nhello\r\n0\r\n\r\n'],
    ['bad chunk size', '5 ;x\r\nhello\r\n0\r\n\r\n'],
    ['bad chunk size', '5\nhello\r\n0\r\n\r\n'],
    ['bad chunk size', '\r\n5\r\nhello\r\n'],
    ['bad chunk size', 'g\r\n'],
    ['bare CR in chunk size line', '5\r\r\nhello\r\n0\r\n\r\n'],
    ['chunk size too large', 'ffffffffffffffff\r\n'],
    ['chunk size too large', '00000000000000005\r\nhello'],
    ['chunk size too large', '20000000000000\r\n'],
    ['chunk longer than its size', '5\r\nhello!\r\n0\r\n\r\n'],
    ['chunk longer than its size', '5\r\nhello\n0\r\n\r\n'],
    ['bare CR after chunk', '5\r\nhello\rX'],
    ['bad chunk extension', '5;\r\nhello\r\n0\r\n\r\n'],
    ['bad chunk extension', '5;x=\r\nhello\r\n0\r\n\r\n'],
    ['bad chunk extension', '5;x\nhello\r\n0\r\n\r\n'],
    ['bad chunk extension', '5;x="\r\nhello\r\n0\r\n\r\n'],
    ['bad chunk extension', '5; x\r\nhello\r\n0\r\n\r\n'],
    ['chunk extensions too long', `5;${'x'.repeat(9_000)}`],
    ['bare LF in trailers', '0\r\nX: y\n\r\n'],
    ['bare LF in trailers', '0\r\n\n'],
    ['forbidden trailer', '0\r\nContent-Length: 5\r\n\r\n'],
    ['forbidden trailer', '0\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['forbidden trailer', '0\r\nHost: b\r\n\r\n'],
    ['folded field line', '0\r\n X: y\r\n\r\n'],
  ])('with %s is refused: %j', (problem, text) => {
    expect(refusal(() => read(text))).toBe(`400 ${problem}`);
  });
});
