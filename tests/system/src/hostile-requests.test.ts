import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Installation, SHOP } from './testing/installation.ts';
import { RawService } from './testing/raw-service.ts';
import { WireClient } from './testing/wire-client.ts';

const HOST = 'Host: shop.test\r\n';
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const post = (fields: string, body = ''): string => `POST / HTTP/1.1\r\n${HOST}${fields}\r\n${body}`;
const get = (fields: string): string => `GET / HTTP/1.1\r\n${HOST}${fields}\r\n`;
const target = (text: string, method = 'GET'): string => `${method} ${text} HTTP/1.1\r\n${HOST}\r\n`;
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

let site: Installation;
let service: RawService;
beforeAll(async () => {
  service = await RawService.start((head, socket) => {
    const [, path] = head.split(' ');
    if (path === '/hints') socket.write(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}`);
    else if (path === '/chunks')
      socket.write(`HTTP/1.1 200 OK\r\n${CHUNKED}\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n`);
    else socket.write(OK);
  });
  site = await Installation.start({ routes: [{ hostname: 'shop.test', tunnel: SHOP }] });
  await site.attach({ ingress: [{ service: service.url }] });
});
afterAll(async () => {
  await site.stop();
  await service.stop();
});

/** Everything that comes back until the edge has closed the connection. */
async function answerTo(bytes: string): Promise<string> {
  const client = await WireClient.open(site.edge(0).http);
  client.send(bytes);
  await client.untilClosed();
  return client.text;
}

describe('a request that could be read in two ways is refused, and nothing of it reaches the service:', () => {
  it.each([
    ['length and chunks', 400, post(`Content-Length: 4\r\n${CHUNKED}`, '0\r\n\r\n')],
    ['chunks and length', 400, post(`${CHUNKED}Content-Length: 4\r\n`, '0\r\n\r\n')],
    ['two lengths', 400, post('Content-Length: 4\r\nContent-Length: 4\r\n', 'abcd')],
    ['a list of lengths', 400, post('Content-Length: 4, 4\r\n', 'abcd')],
    ['a signed length', 400, post('Content-Length: +4\r\n', 'abcd')],
    ['a length beyond all', 413, post(`Content-Length: ${'9'.repeat(30)}\r\n`)],
    ['chunks that are not last', 400, post('Transfer-Encoding: chunked, identity\r\n', '0\r\n\r\n')],
    ['a coding besides chunks', 501, post('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n')],
    ['chunks twice', 400, post(CHUNKED + CHUNKED, '0\r\n\r\n')],
    ['chunks in HTTP/1.0', 400, `POST / HTTP/1.0\r\n${HOST}${CHUNKED}\r\n0\r\n\r\n`],
    ['lines that end with LF', 400, 'GET / HTTP/1.1\nHost: shop.test\n\n'],
    ['a bare CR', 400, get('X: a\rb\r\n')],
    ['NUL', 400, get('X: a\0b\r\n')],
    ['a folded line', 400, get('X: a\r\n b\r\n')],
    ['a space before the colon', 400, get('X : a\r\n')],
    ['a line without a colon', 400, get('X\r\n')],
    ['a name that is none', 400, get('X(: a\r\n')],
    ['no host', 400, 'GET / HTTP/1.1\r\n\r\n'],
    ['two hosts', 400, get('Host: shop.test\r\n')],
    ['a host with a path', 400, 'GET / HTTP/1.1\r\nHost: shop.test/x\r\n\r\n'],
    ['a host with a user', 400, 'GET / HTTP/1.1\r\nHost: a@shop.test\r\n\r\n'],
    ['a target with a user', 400, target('http://a@shop.test/')],
    ['a target that is an authority', 400, target('shop.test:80')],
    ['GET of everything', 400, target('*')],
    ['a target without a path', 400, target('?x=1')],
    ['a backslash', 400, target('/a\\b')],
    ['a control character', 400, target('/a\x01b')],
    ['a byte beyond ASCII', 400, target('/\xe9')],
    ['a fragment', 400, target('/a#b')],
    ['two spaces', 400, 'GET  / HTTP/1.1\r\nHost: shop.test\r\n\r\n'],
    ['a tab', 400, 'GET\t/ HTTP/1.1\r\nHost: shop.test\r\n\r\n'],
    ['a version to come', 505, `GET / HTTP/1.2\r\n${HOST}\r\n`],
    ['a tunnel', 501, 'CONNECT shop.test:443 HTTP/1.1\r\nHost: shop.test:443\r\n\r\n'],
    ['TRACE with a body', 400, `TRACE / HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\nab`],
    ['an unknown expectation', 417, get('Expect: 200-ok\r\n')],
    ['a chunk size with a sign', 400, post(CHUNKED, '+2\r\nab\r\n0\r\n\r\n')],
    ['a chunk size in C', 400, post(CHUNKED, '0x2\r\nab\r\n0\r\n\r\n')],
    ['a chunk size of 2^64', 400, post(CHUNKED, '10000000000000000\r\n')],
    ['a chunk size that ends with LF', 400, post(CHUNKED, '2\nab\r\n0\r\n\r\n')],
    ['LF in a chunk extension', 400, post(CHUNKED, '2;a\nb\r\nab\r\n0\r\n\r\n')],
    ['chunk extensions without end', 400, post(CHUNKED, `2;${'x'.repeat(100_000)}`)],
    ['a chunk longer than its size', 400, post(CHUNKED, '2\r\nabX0\r\n\r\n')],
    ['a trailer that frames', 400, post(CHUNKED, '0\r\nContent-Length: 2\r\n\r\n')],
    ['a trailer that ends with LF', 400, post(CHUNKED, '0\r\nX: y\n\r\n')],
  ])('%s', async (_, status, bytes) => {
    service.take();
    const answer = await answerTo(bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} .*\r\n`));
    expect(answer).toMatch(/\r\nConnection: close\r\n/);
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(service.take()).toBe('');
  });
});

describe('what the edge understood is what the service gets:', () => {
  const END = 'Connection: close\r\n\r\n';
  it.each([
    [
      'an absolute target overrules Host',
      `GET http://shop.test/a?b HTTP/1.1\r\nHost: other.test\r\n${END}`,
      `GET /a?b HTTP/1.1\r\n${HOST}\r\n`,
    ],
    [
      'an absolute target without a path',
      `GET http://shop.test?b HTTP/1.1\r\n${HOST}${END}`,
      `GET /?b HTTP/1.1\r\n${HOST}\r\n`,
    ],
    ['OPTIONS of everything', `OPTIONS * HTTP/1.1\r\n${HOST}${END}`, `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`],
    [
      'a path that looks like an authority',
      `GET //other.test/a HTTP/1.1\r\n${HOST}${END}`,
      `GET //other.test/a HTTP/1.1\r\n${HOST}\r\n`,
    ],
    [
      'queries, also those that parsers disagree on',
      `GET /q?a=1;b=2&c=%zz&%=&e=%u0041;; HTTP/1.1\r\n${HOST}${END}`,
      `GET /q?a=1;b=2&c=%zz&%=&e=%u0041;; HTTP/1.1\r\n${HOST}\r\n`,
    ],
    ['a method that nobody knows', `frob / HTTP/1.1\r\n${HOST}${END}`, `frob / HTTP/1.1\r\n${HOST}\r\n`],
    [
      'Connection takes away what is of this hop, and nothing that frames or vouches',
      `POST / HTTP/1.1\r\n${HOST}Connection: close, X-Hop, Host, Content-Length, Transfer-Encoding, Via, X-Forwarded-For\r\nX-Hop: 1\r\nX-Kept: 1\r\nContent-Length: 2\r\n\r\nab`,
      `POST / HTTP/1.1\r\n${HOST}X-Kept: 1\r\nContent-Length: 2\r\n\r\nab`,
    ],
    [
      'an upgrade to h2c is none',
      `GET / HTTP/1.1\r\n${HOST}Connection: close, Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n`,
      `GET / HTTP/1.1\r\n${HOST}\r\n`,
    ],
    [
      'chunk extensions go no further',
      `POST / HTTP/1.1\r\n${HOST}${CHUNKED}Connection: close\r\n\r\n2;a=b\r\nab\r\n0\r\n\r\n`,
      `POST / HTTP/1.1\r\n${HOST}${CHUNKED}\r\n2\r\nab\r\n0\r\n\r\n`,
    ],
    [
      'trailers arrive, but for those that describe the message',
      `POST / HTTP/1.1\r\n${HOST}${CHUNKED}Connection: close\r\n\r\n2\r\nab\r\n0\r\nX-Sum: 1\r\nContent-Type: x\r\n\r\n`,
      `POST / HTTP/1.1\r\n${HOST}${CHUNKED}\r\n2\r\nab\r\n0\r\nX-Sum: 1\r\n\r\n`,
    ],
    [
      'a client that expects 100 and does not wait for it',
      `POST / HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab`,
      `POST / HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 2\r\n\r\nab`,
    ],
  ])('%s', async (_, bytes, expected) => {
    service.take();
    expect(await answerTo(bytes)).toMatch(/^HTTP\/1\.1 200 /);
    expect(service.take()).toBe(expected);
  });
});

describe('an answer', () => {
  it('in chunks reaches a client of HTTP/1.0 without them, and ends with the connection', async () => {
    const answer = await answerTo(`GET /chunks HTTP/1.0\r\n${HOST}Connection: keep-alive\r\n\r\n`);
    expect(answer).toBe('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok');
  });

  it('of trailers reaches a client of HTTP/1.1 with them', async () => {
    const answer = await answerTo(
      `GET /chunks HTTP/1.1\r\n${HOST}TE: trailers\r\nConnection: TE, close\r\n\r\n`,
    );
    expect(answer).toMatch(/\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n$/);
  });

  it('with early hints tells them to HTTP/1.1 alone', async () => {
    const modern = await answerTo(`GET /hints HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
    expect(modern).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a>\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    expect(await answerTo(`GET /hints HTTP/1.0\r\n${HOST}\r\n`)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  it('that comes early is read by a client that goes on uploading', async () => {
    const client = await WireClient.open(site.edge(0).http);
    client.socket.pause();
    client.send(post('Content-Length: 50000000\r\n'));
    const piece = Buffer.alloc(500_000);
    for (let sent = 0; sent < 20; sent++) {
      await new Promise<void>((resolve) => client.socket.write(piece, () => resolve()));
    }
    client.socket.resume();
    await client.untilClosed();
    expect(client.text).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\nConnection: close\r\n\r\nok$/);
  });
});
