/** Requests and responses that are right but for one thing or two: the neighbourhood where readers disagree. */
import fc from 'fast-check';

/** Mostly `sane`, so that what is odd about a message is not all of it. */
const mostly = (sane: string, ...odd: readonly string[]) =>
  fc.oneof({ weight: 40, arbitrary: fc.constant(sane) }, { weight: 1, arbitrary: fc.constantFrom(...odd) });

const joined = (...parts: readonly fc.Arbitrary<string>[]) =>
  fc.tuple(...parts).map((texts) => texts.join(''));
const listed = (part: fc.Arbitrary<string>, maxLength: number) =>
  fc.array(part, { maxLength }).map((texts) => texts.join(''));

const eol = mostly('\r\n', '\n', '\r', '\r\r\n', '\n\r', ' \r\n', '\r\n ', '\0\r\n', '\x0b\r\n');
const space = mostly(' ', '  ', '\t', '', ' \t', '\x0b', '\xa0');
const colon = mostly(': ', ':', ' :', '\t: ', ':\t ', ' : ', '', ':\x0b', '\x0b:', '::');
const version = mostly(
  'HTTP/1.1',
  ...[
    'HTTP/1.0',
    'HTTP/1.2',
    'HTTP/0.9',
    'HTTP/2.0',
    'http/1.1',
    'HTTP/1.1 ',
    'HTTP/11',
    'HTTP/1.',
    'HTTP 1.1',
  ],
  ...['', 'HTTP/01.1', 'HTTP/1.01', 'HTP/1.1', 'HTTP/+1.1', 'ICE/1.0', 'RTSP/1.0'],
);

const harmless = fc.constantFrom(
  'X-A: b',
  'Accept: */*',
  'TE: trailers',
  'Trailer: X-T',
  'X-B:',
  'Connection: keep-alive',
);
const hostile = fc.constantFrom(
  ...[
    'Content_Length: 5',
    'X A: b',
    ': b',
    'Content-Length\0: 5',
    'X-\x80: b',
    'Transfer-Encoding : chunked',
  ],
  ...[
    '\x0bTransfer-Encoding: chunked',
    'X',
    'X: a\x7fb',
    'X: a\rb',
    'X: a\nb',
    'X: a\r\n b',
    ' X: a',
    'Connection: close',
  ],
  ...['Content-Length: 5', 'Content-Length: 0', 'Transfer-Encoding: chunked', 'Transfer-Encoding: identity'],
  ...[
    'Connection: Transfer-Encoding',
    'Connection: Content-Length, close',
    'Connection: "x"',
    'Proxy-Connection: close',
  ],
);
const field = fc.oneof({ weight: 12, arbitrary: harmless }, { weight: 1, arbitrary: hostile });
const fields = listed(joined(field, eol), 3);

const length = mostly(
  '5',
  ...[
    '+5',
    '-1',
    '5 5',
    '5,5',
    '0x5',
    ' 5',
    '5 ',
    '05',
    '1e1',
    '99999999999999999999',
    '',
    '5;',
    '5\t',
    '٥',
    '5.0',
  ],
);
const coding = mostly(
  'chunked',
  ...[
    'Chunked',
    'CHUNKED ',
    'gzip, chunked',
    'chunked, gzip',
    'chunked,chunked',
    'chunked;q=1',
    'xchunked',
    'identity',
  ],
  ...[
    '"chunked"',
    'chunked\0',
    'ch\x80nked',
    '',
    ',chunked',
    'chunked,',
    'chunked\r\n x',
    '\x0bchunked',
    'chunked\x0b',
  ],
);
const size = mostly(
  '5',
  ...[
    '05',
    '0',
    '5;x',
    '5;x=y',
    '5;x="q\\"z"',
    '5 ',
    ' 5',
    '0x5',
    '+5',
    '5\t',
    '-5',
    'g',
    '',
    '5;',
    '5;=',
    '5;x=',
  ],
  ...[
    '5;x\0',
    '5;\n',
    'ffffffffffffffff',
    '10000000000000005',
    '00000000000000005',
    '5;x="',
    '5 ;x',
    '5;x="\n"',
    '5;a;b',
  ],
);
const chunk = joined(size, eol, mostly('hello', 'hell', 'hello!', ''), eol);
const trailer = mostly(
  'X: y\r\n',
  ...[
    'Content-Length: 3\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Host: b\r\n',
    'X : y\r\n',
    'X: y\n',
    ' X: y\r\n',
    'X: \0\r\n',
  ],
);
const chunks = joined(
  listed(chunk, 3),
  mostly('0', '00', '0;a', '0 ', '', '-0', '0x0'),
  eol,
  listed(trailer, 2),
  eol,
);
const framed = fc.oneof(
  fc.constant('\r\n'),
  joined(fc.constant('Content-Length'), colon, length, eol, fields, eol, mostly('hello', 'hell', '')),
  joined(fc.constantFrom('Transfer-Encoding', 'transfer-encoding'), colon, coding, eol, fields, eol, chunks),
);

const method = mostly('POST', 'GET', 'HEAD', 'get', 'G@T', 'G ET', 'OPTIONS', 'QUERY', 'FOO', '', 'GET\0');
const target = mostly(
  '/a?b=c',
  ...[
    '*',
    'http://a/b',
    '//a',
    '/a#b',
    '/a\0',
    '/\x80',
    '/a\tb',
    'a',
    '',
    '/"<>`{|}^',
    'ftp://a/',
    'http://a@b/',
    '/a b',
  ],
);
const host = mostly(
  'Host: a\r\n',
  ...[
    'Host: a\r\nHost: b\r\n',
    'Host: \r\n',
    '',
    'Host : a\r\n',
    ' Host: a\r\n',
    'Host: a b\r\n',
    'Host: a,b\r\n',
  ],
);
const lead = mostly('', '\r\n', '\n', ' ', '\r', '\r\n\r\n', '\0', '\r\n ');
const next = fc.constantFrom('', 'GET /next HTTP/1.1\r\nHost: b\r\n\r\n');

export const requests = joined(lead, method, space, target, space, version, eol, host, fields, framed, next);

const status = mostly('200', '204', '304', '101', '100', '99', '1000', 'abc', '2 0', '', '-20', '٢00', '600');
const reason = mostly(' OK', '', ' ', ' O\0K', ' O\rK', ' \x80', '  x', '\tOK', ' O\nK');

export const responses = joined(version, space, status, reason, eol, fields, framed);

/** With one byte put in, replaced or taken away anywhere. */
export const mutated = (messages: fc.Arbitrary<string>) =>
  fc
    .tuple(
      messages,
      fc.nat(),
      fc.constantFrom(
        '\r',
        '\n',
        '\0',
        ' ',
        '\t',
        ':',
        ',',
        ';',
        '\x80',
        '5',
        '\x0b',
        '\r\n',
        '\r\n\r\n',
        '',
      ),
      fc.nat({ max: 2 }),
    )
    .map(([text, seed, bytes, cut]) => {
      const at = seed % (text.length + 1);
      return text.slice(0, at) + bytes + text.slice(at + cut);
    });
