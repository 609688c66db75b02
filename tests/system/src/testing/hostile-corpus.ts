/**
 * Requests as attackers write them, by the families of request smuggling. Behind each stands `LAST`, a request that is
 * right and ends the connection: it arrives exactly when the edge and the service agree on where the input has ended.
 */
export interface HostileInput {
  readonly name: string;
  readonly bytes: string;
  /** What the service may read of it, in this order: method, target and body of each request. Empty: it is refused. */
  readonly arrives: readonly string[];
}

const HOST = 'Host: shop.test\r\n';
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const SMUGGLED = `GET /smuggled HTTP/1.1\r\n${HOST}\r\n`;
const LAST = `GET /last HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`;
const ARRIVED_LAST = 'GET /last ';

const post = (fields: string, body = ''): string => `POST / HTTP/1.1\r\n${HOST}${fields}\r\n${body}`;
const get = (fields: string): string => `GET / HTTP/1.1\r\n${HOST}${fields}\r\n`;
const line = (text: string): string => `${text}\r\n${HOST}\r\n`;

/** Nothing of it arrives but what came before, and the connection ends. */
const refused = (name: string, bytes: string, ...before: readonly string[]): HostileInput => ({
  name,
  bytes: bytes + LAST,
  arrives: before,
});
/** Only these requests arrive. */
const taken = (name: string, bytes: string, ...requests: readonly string[]): HostileInput => ({
  name,
  bytes: bytes + LAST,
  arrives: [...requests, ARRIVED_LAST],
});
const quoted = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);

/** Lines that some readers take for "Transfer-Encoding: chunked", and none may. */
const DOUBTFUL_CODINGS = [
  ...['Transfer-Encoding : chunked', 'Transfer-Encoding\t: chunked', ' Transfer-Encoding: chunked'],
  ...['\tTransfer-Encoding: chunked', 'Transfer-Encoding\x0b: chunked', 'Transfer-Encoding\0: chunked'],
  ...['Transfer-Encoding\x80: chunked', '\xefTransfer-Encoding: chunked', 'Transfer Encoding: chunked'],
  ...['Transfer-Encoding', 'Transfer-Encoding chunked', 'Transfer-Encoding; chunked', 'Transfer-Encoding:'],
  ...['Transfer-Encoding: xchunked', 'Transfer-Encoding: chunkedx', 'Transfer-Encoding: chunk'],
  ...['Transfer-Encoding: "chunked"', "Transfer-Encoding: 'chunked'", 'Transfer-Encoding: chunked;q=1'],
  ...['Transfer-Encoding: chunked, identity', 'Transfer-Encoding: identity', 'Transfer-Encoding: none'],
  ...['Transfer-Encoding: identity, chunked', 'Transfer-Encoding: gzip, chunked', 'Transfer-Encoding: gzip'],
  ...['Transfer-Encoding: chunked, chunked', 'Transfer-Encoding: chunked,', 'Transfer-Encoding: ,chunked'],
  ...['Transfer-Encoding: chunked gzip', 'Transfer-Encoding: chunked chunked', 'Transfer-Encoding: trailers'],
  ...['Transfer-Encoding:\x0bchunked', 'Transfer-Encoding:\x0cchunked', 'Transfer-Encoding: chunked\x0b'],
  ...['Transfer-Encoding:\0chunked', 'Transfer-Encoding: chunked\0', 'Transfer-Encoding: chunked\t'],
  ...['Transfer-Encoding: \xa0chunked', 'Transfer-Encoding: ch\xfcnked', 'Transfer-Encoding: \x85chunked'],
  ...[
    'Transfer-Encoding:\r\n chunked',
    'Transfer-Encoding: chunked\r\n ,identity',
    'Transfer-Encoding:\n chunked',
  ],
  ...['Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', 'Transfer-Encoding\r\n: chunked'],
  ...['Transfer-Encoding: chunked\r\nTransfer-Encoding: identity', 'Transfer-Encoding\n: chunked'],
  ...['Transfer-Encoding: identity\r\nTransfer-Encoding: chunked', 'X: y\nTransfer-Encoding: chunked'],
  ...[
    'X: y\rTransfer-Encoding: chunked',
    'X: y\r\rTransfer-Encoding: chunked',
    'X: y\0\nTransfer-Encoding: chunked',
  ],
  ...['Transfer-Encoding: \\x63hunked', 'Transfer-Encoding: %63hunked', 'Transfer-Encoding: chunked\\'],
] as const;

/** They are what they say: chunks and nothing else. */
const CODINGS = [
  ...['Transfer-Encoding: chunked', 'transfer-encoding:chunked', 'TRANSFER-ENCODING: CHUNKED'],
  ...['Transfer-Encoding:\tchunked', 'Transfer-Encoding:    Chunked'],
] as const;

/** Other names; who reads CGI variables or trims would take them for framing. */
const LOOK_ALIKES = [
  'Transfer_Encoding: chunked',
  'Content_Length: 0',
  'TRANSFER_ENCODING: chunked',
] as const;

const DOUBTFUL_LENGTHS = [
  ...[
    '+4',
    '-4',
    '-0',
    '4,4',
    '4, 4',
    '4, 5',
    '4 4',
    '0x4',
    '04x',
    '4;',
    '4;q=1',
    '4.0',
    '4e0',
    '',
    ' ',
    '"4"',
  ],
  ...[
    '4\0',
    '\x0b4',
    '4\x0b',
    '4\x0c',
    '\xa04',
    '4\xa0',
    '\xd9\xa4',
    '4_0',
    'four',
    '4\r\n 4',
    '\r\n 4',
    '4\n',
  ],
  ...['4\rX: y', '4\nX: y', '18446744073709551620', '4294967300x', '00000000000000004', '9007199254740992'],
] as const;

const DOUBTFUL_SIZES = [
  ...[
    '+2',
    '-2',
    '0x2',
    '2h',
    '',
    ' 2',
    '2 ',
    '\t2',
    '2\t',
    '2 ;a',
    '_2',
    '2_',
    '"2"',
    '\xb2',
    '２',
    'g',
    '2.0',
  ],
  ...['2,2', '2 2', '0x', '10000000000000002', '00000000000000002', 'ffffffffffffffff', '8000000000000002'],
  ...[
    '2;',
    '2;;a',
    '2;=b',
    '2;a=',
    '2;a="b',
    '2;a=b"c"',
    '2; a',
    '2;a =b',
    '2;a= b',
    '2;a\0',
    '2;a\nb',
    '2;a\rb',
  ],
  ...[
    '2\0',
    '2\r',
    '2\n',
    '2\x0b',
    '2;a="\n"',
    '2;a="\r\n"',
    '2;a="b" ',
    '2;a=\xe9',
    `2;${'a'.repeat(20_000)}`,
  ],
] as const;

const DOUBTFUL_TRAILERS = [
  ...[
    'Content-Length: 5',
    'Transfer-Encoding: chunked',
    'Host: other.test',
    'content-length: 0',
    'X : y',
    ' X: y',
  ],
  ...['X', ': y', 'X: a\0b', 'X: a\rb', 'X: a\nb', 'X\0: y', 'X: y\r\n z', `X: ${'y'.repeat(40_000)}`],
] as const;

const DOUBTFUL_LINES = [
  ...[
    'GET  / HTTP/1.1',
    'GET /  HTTP/1.1',
    'GET / HTTP/1.1 ',
    ' GET / HTTP/1.1',
    'GET\t/ HTTP/1.1',
    'GET /\tHTTP/1.1',
  ],
  ...[
    'GET / HTTP/1.1\t',
    'GET /',
    'GET',
    '/ HTTP/1.1',
    'GET HTTP/1.1',
    'GET / http/1.1',
    'GET / HTTP/1',
    'GET / HTTP/1.',
  ],
  ...[
    'GET / HTTP/11',
    'GET / HTTP/1.10',
    'GET / HTTP/01.1',
    'GET / HTTP/1.01',
    'GET / HTTP/+1.1',
    'GET / HTTP/1,1',
  ],
  ...[
    'GET / HTTP 1.1',
    'GET / HTTPS/1.1',
    'GET / ICE/1.0',
    'GET / HTTP/1.2',
    'GET / HTTP/0.9',
    'GET / HTTP/2.0',
  ],
  ...[
    'GET / HTTP/3',
    'GET / HTTP/1.1 HTTP/1.1',
    'GET /\x0b HTTP/1.1',
    'GET / HTTP/1.1\0',
    'GET\0 / HTTP/1.1',
  ],
  ...[
    'G\xc9T / HTTP/1.1',
    'GET, / HTTP/1.1',
    '"GET" / HTTP/1.1',
    'GET: / HTTP/1.1',
    'G=T / HTTP/1.1',
    '\xefGET / HTTP/1.1',
  ],
  ...[
    'GET a HTTP/1.1',
    'GET ?a HTTP/1.1',
    'GET * HTTP/1.1',
    'POST * HTTP/1.1',
    'GET /a#b HTTP/1.1',
    'GET # HTTP/1.1',
  ],
  ...[
    'GET /\\a HTTP/1.1',
    'GET \\ HTTP/1.1',
    'GET /\x01 HTTP/1.1',
    'GET /\x7f HTTP/1.1',
    'GET /\xe9 HTTP/1.1',
  ],
  ...[
    'GET /\0 HTTP/1.1',
    'GET /a b HTTP/1.1',
    'GET /a\x0bb HTTP/1.1',
    'GET shop.test HTTP/1.1',
    'GET shop.test:80 HTTP/1.1',
  ],
  ...[
    'GET ftp://shop.test/ HTTP/1.1',
    'GET http:/a HTTP/1.1',
    'GET http:shop.test HTTP/1.1',
    'GET http:///a HTTP/1.1',
  ],
  ...[
    'GET http://a@shop.test/ HTTP/1.1',
    'GET http://shop.test:x/ HTTP/1.1',
    'GET http://shop.test:99999/ HTTP/1.1',
  ],
  ...['GET http://shop.test\\a HTTP/1.1', 'GET http://[::1/ HTTP/1.1', 'GET http://shop.test,b/ HTTP/1.1'],
  ...[
    'GET http://shop%2etest/ HTTP/1.1',
    'GET //a b HTTP/1.1',
    'GET javascript:1 HTTP/1.1',
    'GET http://?a HTTP/1.1',
  ],
  ...[
    'CONNECT / HTTP/1.1',
    'CONNECT shop.test HTTP/1.1',
    'CONNECT shop.test:443 HTTP/1.1',
    'CONNECT http://shop.test/ HTTP/1.1',
  ],
  ...[
    'CONNECT :80 HTTP/1.1',
    'CONNECT shop.test:x HTTP/1.1',
    'CONNECT * HTTP/1.1',
    'CONNECT shop.test:80/ HTTP/1.1',
  ],
  ...[
    `GET /${'a'.repeat(40_000)} HTTP/1.1`,
    `${'G'.repeat(70)} / HTTP/1.1`,
    'PRI * HTTP/2.0',
    'OPTIONS a HTTP/1.1',
  ],
] as const;

const DOUBTFUL_HOSTS = [
  ...['', 'Host:\r\n', 'Host: \r\n', 'Host : shop.test\r\n', ' Host: shop.test\r\n', 'Host\t: shop.test\r\n'],
  ...[
    'Host: shop.test\r\nHost: shop.test\r\n',
    'Host: shop.test\r\nhost: other.test\r\n',
    'Host: a, shop.test\r\n',
  ],
  ...['Host: shop.test,\r\n', 'Host: shop.test/a\r\n', 'Host: shop.test?a\r\n', 'Host: shop.test#a\r\n'],
  ...[
    'Host: a@shop.test\r\n',
    'Host: shop.test:\r\n',
    'Host: shop.test:80:80\r\n',
    'Host: shop.test:99999\r\n',
  ],
  ...['Host: shop.test:-1\r\n', 'Host: shop.test:8x\r\n', 'Host: shop .test\r\n', 'Host: shop.test a\r\n'],
  ...[
    'Host: shop.test\0\r\n',
    'Host: shop.test\x0b\r\n',
    'Host: shop.test\\a\r\n',
    'Host: http://shop.test\r\n',
  ],
  ...[
    'Host: [::1\r\n',
    'Host: ::1\r\n',
    'Host: \xe9.test\r\n',
    'Host: shop%2etest\r\n',
    'Host: "shop.test"\r\n',
  ],
  ...[
    'Host:\r\n shop.test\r\n',
    'Host: shop.test\n',
    'Host: shop.test\r',
    'Host: <shop.test>\r\n',
    'Host: *\r\n',
  ],
] as const;

/** Bytes that end lines, words or strings for somebody. */
const BYTES = ['\0', '\x01', '\x08', '\x0b', '\x0c', '\x1b', '\x1f', '\x7f'] as const;
const PLACES = {
  'the method': (byte: string) => `GE${byte}T / HTTP/1.1\r\n${HOST}\r\n`,
  'the target': (byte: string) => `GET /a${byte}b HTTP/1.1\r\n${HOST}\r\n`,
  'the version': (byte: string) => `GET / HTTP/1.${byte}1\r\n${HOST}\r\n`,
  Host: (byte: string) => `GET / HTTP/1.1\r\nHost: shop${byte}.test\r\n\r\n`,
  'a name': (byte: string) => get(`X${byte}Y: z\r\n`),
  'a value': (byte: string) => get(`X: y${byte}z\r\n`),
  'the first place of a line': (byte: string) => get(`${byte}X: y\r\n`),
  'the last place of a line': (byte: string) => get(`X: y${byte}\r\n`),
  Connection: (byte: string) => get(`Connection: x${byte}y\r\n`),
  'a chunk size': (byte: string) => post(CHUNKED, `2${byte}\r\nab\r\n0\r\n\r\n`),
  'a chunk extension': (byte: string) => post(CHUNKED, `2;a${byte}\r\nab\r\n0\r\n\r\n`),
  'a trailer': (byte: string) => post(CHUNKED, `2\r\nab\r\n0\r\nX: y${byte}\r\n\r\n`),
} as const;

const LINE_ENDS = { 'a bare LF': '\n', 'a bare CR': '\r', 'CR CR LF': '\r\r\n', 'LF CR': '\n\r' } as const;

/** The message with each of its line ends, one at a time, written otherwise. */
function withLineEnds(message: string): HostileInput[] {
  const lines = message.split('\r\n');
  return Object.entries(LINE_ENDS).flatMap(([name, end]) =>
    lines.slice(1).map((_, at) => {
      const bytes = `${lines.slice(0, at + 1).join('\r\n')}${end}${lines.slice(at + 1).join('\r\n')}`;
      return refused(`${name} in place of line end ${at + 1}`, bytes);
    }),
  );
}

const ABCD = 'POST / abcd';

/** By family. */
export const HOSTILE_REQUESTS: Readonly<Record<string, readonly HostileInput[]>> = {
  'CL.TE: a length and a doubtful coding': [...CODINGS, ...DOUBTFUL_CODINGS].flatMap((coding) => [
    refused(
      `length before ${quoted(coding)}`,
      post(`Content-Length: 4\r\n${coding}\r\n`, `0\r\n\r\n${SMUGGLED}`),
    ),
    refused(
      `length after ${quoted(coding)}`,
      post(`${coding}\r\nContent-Length: 4\r\n`, `0\r\n\r\n${SMUGGLED}`),
    ),
  ]),
  'TE.CL: a whole chunk that hides a request': [...CODINGS, ...DOUBTFUL_CODINGS].map((coding) =>
    refused(
      quoted(coding),
      post(
        `${coding}\r\nContent-Length: 4\r\n`,
        `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`,
      ),
    ),
  ),
  'TE.TE: a doubtful coding alone': [
    ...DOUBTFUL_CODINGS.map((coding) =>
      refused(quoted(coding), post(`${coding}\r\n`, `0\r\n\r\n${SMUGGLED}`)),
    ),
    ...CODINGS.map((coding) => taken(quoted(coding), post(`${coding}\r\n`, '4\r\nabcd\r\n0\r\n\r\n'), ABCD)),
    ...DOUBTFUL_CODINGS.map((coding) =>
      refused(
        `${quoted(coding)} before a right one`,
        post(`${coding}\r\n${CHUNKED}`, `0\r\n\r\n${SMUGGLED}`),
      ),
    ),
    refused('in HTTP/1.0', `POST / HTTP/1.0\r\n${HOST}${CHUNKED}\r\n0\r\n\r\n${SMUGGLED}`),
    refused(
      'in HTTP/1.0 with a length',
      `POST / HTTP/1.0\r\n${HOST}${CHUNKED}Content-Length: 4\r\n\r\n0\r\n\r\n`,
    ),
  ],
  'look-alikes of framing': LOOK_ALIKES.flatMap((field) => [
    taken(`${field}, with a length`, post(`${field}\r\nContent-Length: 4\r\n`, 'abcd'), ABCD),
    taken(`${field}, with chunks`, post(`${field}\r\n${CHUNKED}`, '4\r\nabcd\r\n0\r\n\r\n'), ABCD),
    taken(`${field}, without a body`, post(`${field}\r\n`), 'POST / '),
  ]),
  'lengths in doubt': [
    ...DOUBTFUL_LENGTHS.map((length) =>
      refused(quoted(length), post(`Content-Length: ${length}\r\n`, `abcd${SMUGGLED}`)),
    ),
    ...DOUBTFUL_LENGTHS.map((length) =>
      refused(
        `${quoted(length)} before a right one`,
        post(`Content-Length: ${length}\r\nContent-Length: 4\r\n`, 'abcd'),
      ),
    ),
    refused('twice the same', post('Content-Length: 4\r\nContent-Length: 4\r\n', 'abcd')),
    refused('zero before another', post('Content-Length: 0\r\nContent-Length: 4\r\n', 'abcd')),
    refused('a space before the colon', post('Content-Length : 4\r\n', 'abcd')),
    refused('a line that is folded', post('Content-Length:\r\n 4\r\n', 'abcd')),
    taken('a zero in front', post('Content-Length: 04\r\n', 'abcd'), ABCD),
    taken('tabs around', post('Content-Length:\t4\t\r\n', 'abcd'), ABCD),
  ],
  'CL.0 and 0.CL: a body where some expect none': [
    ...['GET', 'HEAD', 'OPTIONS', 'DELETE', 'PROPFIND', 'LOCK'].map((method) =>
      taken(
        method,
        `${method} / HTTP/1.1\r\n${HOST}Content-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
        `${method} / ${SMUGGLED}`,
      ),
    ),
    taken('GET with chunks', `GET / HTTP/1.1\r\n${HOST}${CHUNKED}\r\n4\r\nabcd\r\n0\r\n\r\n`, 'GET / abcd'),
    taken('no body at all', post('Content-Length: 0\r\n', SMUGGLED), 'POST / ', 'GET /smuggled '),
    taken('no framing at all', post('', SMUGGLED), 'POST / ', 'GET /smuggled '),
    refused('TRACE with a length', `TRACE / HTTP/1.1\r\n${HOST}Content-Length: 4\r\n\r\nabcd`),
    refused('TRACE with chunks', `TRACE / HTTP/1.1\r\n${HOST}${CHUNKED}\r\n0\r\n\r\n`),
    refused('an odd expectation', post('Expect: y 100-continue\r\nContent-Length: 4\r\n', 'abcd')),
    refused('two expectations', post('Expect: 100-continue, 200-ok\r\nContent-Length: 4\r\n', 'abcd')),
    refused(
      'an expectation that is folded',
      post('Expect:\r\n 100-continue\r\nContent-Length: 4\r\n', 'abcd'),
    ),
    taken(
      '100-continue without waiting',
      post('Expect: 100-Continue\r\nContent-Length: 4\r\n', 'abcd'),
      ABCD,
    ),
    taken('100-continue without a body', get('Expect: 100-continue\r\n'), 'GET / '),
  ],
  'chunk sizes': [
    ...DOUBTFUL_SIZES.map((size) =>
      refused(quoted(size), post(CHUNKED, `${size}\r\nab\r\n0\r\n\r\n${SMUGGLED}`)),
    ),
    ...['0 ', '-0', '+0', '0x0', '0;', '0\0', '', '\t0', '0\n', '0\r'].map((size) =>
      refused(`last ${quoted(size)}`, post(CHUNKED, `2\r\nab\r\n${size}\r\n\r\n${SMUGGLED}`)),
    ),
    ...['02', '0000000000000002', '2;a', '2;a=b', '2;a="b;\\"c"', '2;a;b=c'].map((size) =>
      taken(quoted(size), post(CHUNKED, `${size}\r\nab\r\n0\r\n\r\n`), 'POST / ab'),
    ),
    ...['00', '0;a', '0000000000000000'].map((size) =>
      taken(`last ${quoted(size)}`, post(CHUNKED, `2\r\nab\r\n${size}\r\n\r\n`), 'POST / ab'),
    ),
  ],
  'ends of chunks': [
    ...['', '\n', '\r', 'X\r\n', '\r\r\n', '\n\r', '  ', ' \r\n', '\r\n\r\n', '\0\r\n'].map((end) =>
      refused(`${quoted(end)} behind a chunk`, post(CHUNKED, `2\r\nab${end}0\r\n\r\n${SMUGGLED}`)),
    ),
    ...['\n', '\r', 'X\r\n', '\r\r\n', ' \r\n', '\n\r\n', '\r\n '].map((end) =>
      refused(`${quoted(end)} behind the last chunk`, post(CHUNKED, `2\r\nab\r\n0${end}\r\n${SMUGGLED}`)),
    ),
  ],
  trailers: [
    ...DOUBTFUL_TRAILERS.map((trailer) =>
      refused(quoted(trailer), post(CHUNKED, `2\r\nab\r\n0\r\n${trailer}\r\n\r\n${SMUGGLED}`)),
    ),
    refused('without number', post(CHUNKED, `2\r\nab\r\n0\r\n${'X: y\r\n'.repeat(500)}\r\n`)),
    taken(
      'of routing, which are lost',
      post(CHUNKED, '2\r\nab\r\n0\r\nX-Forwarded-For: a\r\nCookie: a\r\n\r\n'),
      'POST / ab',
    ),
  ],
  'line ends of a message in chunks': withLineEnds(
    post(`X: y\r\n${CHUNKED}`, '2\r\nab\r\n0\r\nX: y\r\n\r\n'),
  ),
  'line ends of a message with a length': withLineEnds(post('X: y\r\nContent-Length: 0\r\n')),
  'control characters': Object.entries(PLACES).flatMap(([place, message]) =>
    BYTES.map((byte) => refused(`${quoted(byte)} in ${place}`, message(byte))),
  ),
  'folded lines and lines that are none': [
    refused('folded by a space', get('X: y\r\n z\r\n')),
    refused('folded by a tab', get('X: y\r\n\tz\r\n')),
    refused('the first line', `GET / HTTP/1.1\r\n ${HOST}\r\n`),
    refused('a blank line of spaces', get('X: y\r\n \r\n')),
    refused('no colon', get('X\r\n')),
    refused('no name', get(': y\r\n')),
    refused('a name in quotes', get('"X": y\r\n')),
    refused('a name with a space', get('X Y: z\r\n')),
    refused('a name beyond ASCII', get('X\xe9: z\r\n')),
    refused('a request in place of a field', get(SMUGGLED.slice(0, -4))),
    taken('a value beyond ASCII', get('X: \xe9\x80\r\n'), 'GET / '),
    taken('an empty value', get('X:\r\n'), 'GET / '),
  ],
  'request lines': [
    ...DOUBTFUL_LINES.map((text) => refused(quoted(text), line(text))),
    refused('HTTP/0.9', 'GET /\r\n'),
    refused('HTTP/0.9 with a bare LF', 'GET /\n'),
    refused('three empty lines', `\r\n\r\n\r\n${get('')}`),
    refused('an empty line of LF', `\n${get('')}`),
    refused('a space in front', ` ${get('')}`),
    taken('two empty lines', `\r\n\r\n${get('')}`, 'GET / '),
    taken('a path that looks like an authority', line('GET //other.test/ HTTP/1.1'), 'GET //other.test/ '),
    taken('an encoded line end', line('GET /%0d%0aX:y HTTP/1.1'), 'GET /%0d%0aX:y '),
    taken('OPTIONS of everything', line('OPTIONS * HTTP/1.1'), 'OPTIONS * '),
  ],
  hosts: [
    ...DOUBTFUL_HOSTS.map((host) => refused(quoted(host), `GET / HTTP/1.1\r\n${host}\r\n`)),
    ...DOUBTFUL_HOSTS.filter((host) => host !== '').map((host) =>
      refused(`${quoted(host)} behind an absolute target`, `GET http://shop.test/ HTTP/1.1\r\n${host}\r\n`),
    ),
    refused(
      'an unknown one before a smuggled request',
      `POST / HTTP/1.1\r\nHost: shop.test.\0\r\n\r\n${SMUGGLED}`,
    ),
    taken('in capitals, with a dot and a port', 'GET / HTTP/1.1\r\nHost: SHOP.test.:80\r\n\r\n', 'GET / '),
    taken(
      'overruled by the target',
      'GET http://shop.test/a HTTP/1.1\r\nHost: other.test\r\n\r\n',
      'GET /a ',
    ),
    taken(
      'overruled by a target without a path',
      'GET HTTP://shop.test HTTP/1.1\r\nHost: other.test\r\n\r\n',
      'GET / ',
    ),
    taken(
      'overruled for OPTIONS',
      'OPTIONS http://shop.test HTTP/1.1\r\nHost: other.test\r\n\r\n',
      'OPTIONS * ',
    ),
  ],
  'requests behind requests': [
    refused('one that is hostile', get('') + post(`Content-Length: 4\r\n${CHUNKED}`, '0\r\n\r\n'), 'GET / '),
    refused('one that is none', `${get('')}garbage\r\n\r\n`, 'GET / '),
    refused('one behind a longer body', `${post('Content-Length: 2\r\n', 'ab')}cd\r\n\r\n`, 'POST / ab'),
    refused('one behind more than its chunks', post(CHUNKED, `2\r\nab\r\n0\r\n\r\nX\r\n\r\n`), 'POST / ab'),
    refused('one behind "close"', get('Connection: close\r\n'), 'GET / '),
    refused('one behind "close" among others', get('Connection: keep-alive, CLOSE, x\r\n'), 'GET / '),
    refused('one behind "Proxy-Connection: close"', get('Proxy-Connection: close\r\n'), 'GET / '),
    refused('one behind HTTP/1.0', `GET / HTTP/1.0\r\n${HOST}\r\n`, 'GET / '),
    taken(
      'one behind HTTP/1.0 that is kept',
      `GET / HTTP/1.0\r\n${HOST}Connection: keep-alive\r\n\r\n`,
      'GET / ',
    ),
    taken('a dozen', get('').repeat(12), ...Array<string>(12).fill('GET / ')),
    taken('an empty line behind a body', `${post('Content-Length: 2\r\n', 'ab')}\r\n`, 'POST / ab'),
  ],
  'what Connection takes away': [
    ...[
      'Host',
      'Content-Length',
      'Transfer-Encoding',
      'Content-Length, Transfer-Encoding',
      'close2, Via',
    ].map((names) =>
      taken(
        `${names}, of a body with a length`,
        post(`Connection: ${names}\r\nContent-Length: 4\r\n`, 'abcd'),
        ABCD,
      ),
    ),
    ...['Host', 'Transfer-Encoding', 'Transfer-Encoding, Trailer', 'keep-alive, transfer-encoding'].map(
      (names) =>
        taken(
          `${names}, of a body in chunks`,
          post(`Connection: ${names}\r\n${CHUNKED}`, '4\r\nabcd\r\n0\r\n\r\n'),
          ABCD,
        ),
    ),
    refused('an option that is no name', get('Connection: a b\r\n')),
    refused('an option in quotes', get('Connection: "close"\r\n')),
    refused(
      'options without number',
      get(`Connection: ${Array.from({ length: 2_000 }, (_, at) => `a${at}`).join()}\r\n`),
    ),
  ],
  upgrades: [
    ...['h2c', 'H2C', 'h2', 'HTTP/2.0', 'h2c, HTTP/1.1', 'http/3'].map((protocol) =>
      taken(
        `to ${protocol}`,
        get(`Connection: Upgrade, HTTP2-Settings\r\nUpgrade: ${protocol}\r\nHTTP2-Settings: AAMAAABk\r\n`),
        'GET / ',
      ),
    ),
    taken(
      'with a body',
      post('Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 4\r\n', 'abcd'),
      ABCD,
    ),
    taken(
      'with chunks',
      post(`Connection: Upgrade\r\nUpgrade: websocket\r\n${CHUNKED}`, '4\r\nabcd\r\n0\r\n\r\n'),
      ABCD,
    ),
    taken('that Connection does not name', get('Upgrade: websocket\r\n'), 'GET / '),
    taken(
      'of HTTP/1.0',
      `GET / HTTP/1.0\r\n${HOST}Connection: Upgrade, keep-alive\r\nUpgrade: websocket\r\n\r\n`,
      'GET / ',
    ),
    refused('to something that is no name', get('Connection: Upgrade\r\nUpgrade: a b\r\n')),
    refused('to something with a line of its own', get('Connection: Upgrade\r\nUpgrade: a\nb\r\n')),
    refused(
      'with a length and chunks',
      post(`Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 4\r\n${CHUNKED}`, '0\r\n\r\n'),
    ),
  ],
  'CONNECT with more than it may have': [
    refused(
      'a length',
      `CONNECT shop.test:80 HTTP/1.1\r\nHost: shop.test:80\r\nContent-Length: 4\r\n\r\nabcd`,
    ),
    refused('chunks', `CONNECT shop.test:80 HTTP/1.1\r\nHost: shop.test:80\r\n${CHUNKED}\r\n0\r\n\r\n`),
    refused('a request behind it', `CONNECT shop.test:80 HTTP/1.1\r\nHost: shop.test:80\r\n\r\n${SMUGGLED}`),
  ],
  'pieces without measure': [
    refused('a value', get(`X: ${'y'.repeat(40_000)}\r\n`)),
    refused('a name', get(`${'X'.repeat(40_000)}: y\r\n`)),
    refused('fields', get('X: y\r\n'.repeat(400))),
    refused('a head that does not end', `GET / HTTP/1.1\r\n${HOST}${'X: y\r\n'.repeat(8_000)}`),
    refused('a line without a word', 'A'.repeat(60_000)),
  ],
};
