import { Http2Flag, Http2Frame, http2Block, http2Frame } from '@culvert/testkit';

/**
 * HTTP/2 requests as attackers write them, on stream 1. On stream 3 follows one that is right: unless the connection
 * was given up, it arrives.
 */
export interface HostileFrames {
  readonly name: string;
  readonly bytes: Buffer;
  /** What the service may read of stream 1, as method, target and body; `undefined` where it is refused. */
  readonly arrives: string | undefined;
}

type Field = readonly [string, string];
const { EndHeaders, EndStream } = Http2Flag;

const METHOD: Field = [':method', 'GET'];
const SCHEME: Field = [':scheme', 'http'];
const PATH: Field = [':path', '/'];
const AUTHORITY: Field = [':authority', 'shop.test'];
const GET: readonly Field[] = [METHOD, SCHEME, PATH, AUTHORITY];
const POST: readonly Field[] = [[':method', 'POST'], SCHEME, PATH, AUTHORITY];
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: shop.test\r\n\r\n';

const headers = (fields: readonly Field[], flags: number): Buffer =>
  http2Frame(Http2Frame.Headers, EndHeaders | flags, 1, http2Block(fields));
const data = (text: string, flags = 0): Buffer =>
  http2Frame(Http2Frame.Data, flags, 1, Buffer.from(text, 'latin1'));
const withPseudo = (name: string, value: string, of = GET): Field[] =>
  of.map((field): Field => (field[0] === name ? [name, value] : field));
const without = (name: string): Field[] => GET.filter((field) => field[0] !== name);
const quoted = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);

const refused = (name: string, fields: readonly Field[], ...more: Buffer[]): HostileFrames => ({
  name,
  bytes: Buffer.concat([headers(fields, more.length === 0 ? EndStream : 0), ...more]),
  arrives: undefined,
});
const taken = (
  name: string,
  arrives: string,
  fields: readonly Field[],
  ...more: Buffer[]
): HostileFrames => ({
  ...refused(name, fields, ...more),
  arrives,
});

const LINES = ['\r\nX: y', '\nX: y', '\rX: y', '\0', '\r\n\r\n', '\n\n'] as const;
const CONTROLS = ['\x01', '\x0b', '\x0c', '\x1f', '\x7f', ' ', '\t'] as const;

/** A head in pieces: HEADERS and then CONTINUATION frames. */
function inPieces(fields: readonly Field[], bytes: number): Buffer[] {
  const block = http2Block(fields);
  const pieces: Buffer[] = [];
  for (let at = 0; at < block.length; at += bytes) pieces.push(block.subarray(at, at + bytes));
  return pieces.map((piece, at) => {
    const flags = (at === 0 ? EndStream : 0) | (at === pieces.length - 1 ? EndHeaders : 0);
    return http2Frame(at === 0 ? Http2Frame.Headers : Http2Frame.Continuation, flags, 1, piece);
  });
}

const wholeHead = (block: Buffer): Buffer => http2Frame(Http2Frame.Headers, EndHeaders | EndStream, 1, block);

export const HOSTILE_FRAMES: Readonly<Record<string, readonly HostileFrames[]>> = {
  'pseudo-fields that lack, repeat or come late': [
    ...GET.map(([name]) => name)
      .filter((name) => name !== ':authority')
      .map((name) => refused(`no ${name}`, without(name))),
    refused('neither :authority nor Host', without(':authority')),
    ...GET.map((field) => refused(`${field[0]} twice`, [...GET, field])),
    ...GET.map((field) => refused(`${field[0]} twice, differing`, [...GET, [field[0], `${field[1]}x`]])),
    ...GET.map((field) => refused(`${field[0]} behind a field`, [...without(field[0]), ['x', 'y'], field])),
    ...GET.map((field) => refused(`${field[0]} empty`, withPseudo(field[0], ''))),
    refused('one of a response', [...GET, [':status', '200']]),
    refused('one that there is not', [...GET, [':x', 'y']]),
    refused('one without a name', [...GET, [':', 'y']]),
    refused('one in capitals', [...without(':path'), [':Path', '/']]),
    refused('a protocol with GET', [...GET, [':protocol', 'websocket']]),
    refused('no field at all', []),
  ],
  'lines within pseudo-fields': GET.flatMap(([name, value]) =>
    [...LINES, ...CONTROLS].map((bytes) =>
      refused(`${quoted(bytes)} in ${name}`, withPseudo(name, `${value}${bytes}${value}`)),
    ),
  ),
  'requests within pseudo-fields': [
    refused(':method', withPseudo(':method', `GET / HTTP/1.1\r\nHost: shop.test\r\n\r\nGET`)),
    refused(':path', withPseudo(':path', `/ HTTP/1.1\r\nHost: shop.test\r\n\r\nGET /smuggled`)),
    refused(':path, by spaces', withPseudo(':path', '/ HTTP/1.1')),
    refused(':path, by a version', withPseudo(':path', '/smuggled HTTP/1.1 x')),
    refused(':authority', withPseudo(':authority', `shop.test\r\n\r\n${SMUGGLED}`)),
    refused(':scheme', withPseudo(':scheme', 'http://other.test/?')),
  ],
  methods: [
    ...['GET ', ' GET', 'G ET', 'G\tET', 'GET,POST', 'G(T', 'G\xc9T', 'GET:', 'G'.repeat(70)].map((method) =>
      refused(quoted(method), withPseudo(':method', method)),
    ),
    refused('CONNECT with a scheme and a path', withPseudo(':method', 'CONNECT')),
    refused('CONNECT', [
      [':method', 'CONNECT'],
      [':authority', 'shop.test:80'],
    ]),
    refused('CONNECT to h2c', [...withPseudo(':method', 'CONNECT'), [':protocol', 'h2c']]),
    refused('CONNECT to HTTP/1.1', [...withPseudo(':method', 'CONNECT'), [':protocol', 'HTTP/1.1']]),
    refused('CONNECT to two protocols', [...withPseudo(':method', 'CONNECT'), [':protocol', 'a, b']]),
    refused('CONNECT to a line', [...withPseudo(':method', 'CONNECT'), [':protocol', 'a\r\nx: y']]),
    refused('TRACE with a body', withPseudo(':method', 'TRACE'), data('abcd', EndStream)),
    taken('GET with a body', 'GET / abcd', GET, data('abcd', EndStream)),
    taken('HEAD with a body', 'HEAD / abcd', withPseudo(':method', 'HEAD'), data('abcd', EndStream)),
  ],
  paths: [
    ...[
      'a',
      'http://other.test/',
      'http://shop.test/',
      'https://shop.test',
      '*',
      '**',
      '?a',
      '#',
      'shop.test:80',
    ],
    ...['/a#b', '/a b', '/\\a', '\\a', '/\x01', '/\x7f', '/\xe9', '/\xc3\xa9', ' /', '/ ', '\t/', '/a\x0bb'],
    ...[`/${'a'.repeat(20_000)}`],
  ]
    .map((path) => refused(quoted(path), withPseudo(':path', path)))
    .concat(
      ...['//other.test/', '/%0d%0aX:y', '/a?b=c;d&e=%zz', '/..//a', '/?', '/a%2fb', '/%00'].map((path) =>
        taken(quoted(path), `GET ${path} `, withPseudo(':path', path)),
      ),
      taken('"*" with OPTIONS', 'OPTIONS * ', [[':method', 'OPTIONS'], SCHEME, [':path', '*'], AUTHORITY]),
    ),
  authorities: [
    ...[
      'a@shop.test',
      'shop.test/a',
      'shop.test?a',
      'shop.test#a',
      'shop.test:',
      'shop.test:x',
      'shop.test:99999',
    ],
    ...[
      'shop.test,other.test',
      'shop .test',
      'http://shop.test',
      '[::1',
      '::1',
      '\xe9.test',
      'shop%2etest',
      '*',
    ],
  ]
    .map((authority) => refused(quoted(authority), withPseudo(':authority', authority)))
    .concat(
      refused('another Host', [...GET, ['host', 'other.test']]),
      refused('a Host with a port', [...GET, ['host', 'shop.test:80']]),
      refused('an empty Host', [...GET, ['host', '']]),
      refused('two Hosts', [...GET, ['host', 'shop.test'], ['host', 'shop.test']]),
      refused('two Hosts, without an authority', [
        ...without(':authority'),
        ['host', 'shop.test'],
        ['host', 'a'],
      ]),
      taken('the same Host', 'GET / ', [...GET, ['host', 'SHOP.test']]),
      taken('Host alone', 'GET / ', [...without(':authority'), ['host', 'shop.test']]),
    ),
  schemes: ['ftp', 'http:', 'http ', 'htt p', 'javascript', '://', '1'].map((scheme) =>
    refused(quoted(scheme), withPseudo(':scheme', scheme)),
  ),
  'fields of a connection': [
    ...['close', 'keep-alive', 'upgrade', 'x', ''].map((value) =>
      refused(`connection: ${value}`, [...GET, ['connection', value]]),
    ),
    ...['chunked', 'identity', 'gzip, chunked', ''].map((value) =>
      refused(
        `transfer-encoding: ${value}`,
        [...POST, ['transfer-encoding', value]],
        data(SMUGGLED, EndStream),
      ),
    ),
    refused('keep-alive', [...GET, ['keep-alive', 'timeout=5']]),
    refused('proxy-connection', [...GET, ['proxy-connection', 'close']]),
    refused('upgrade', [...GET, ['upgrade', 'websocket']]),
    refused('upgrade to h2c', [...GET, ['upgrade', 'h2c'], ['http2-settings', 'AAMAAABk']]),
    ...['gzip', 'trailers, gzip', 'chunked'].map((value) => refused(`te: ${value}`, [...GET, ['te', value]])),
    taken('te: trailers', 'GET / ', [...GET, ['te', 'trailers']]),
    taken(
      'transfer_encoding, which is none',
      'POST / abcd',
      [...POST, ['transfer_encoding', 'chunked']],
      data('abcd', EndStream),
    ),
    taken(
      'content_length, which is none',
      'POST / abcd',
      [...POST, ['content_length', '0']],
      data('abcd', EndStream),
    ),
  ],
  names: [
    ...['X', 'Host', 'x-A', 'Transfer-Encoding', 'Content-Length', 'Cookie', 'HOST'].map((name) =>
      refused(`in capitals: ${name}`, [...GET, [name, '4']]),
    ),
    ...[
      'x y',
      'x:',
      'x\r\ny',
      'x\ny',
      'x\0',
      'x\t',
      'x\x7f',
      'x\xe9',
      'x\r\ntransfer-encoding: chunked\r\ny',
      '',
    ].map((name) => taken(`${quoted(name)}, which is dropped`, 'GET / ', [...GET, [name, 'y']])),
  ],
  values: [
    ...[...LINES, '\r\n', '\n', '\r', '\x01', '\x0b', '\x7f'].map((bytes) =>
      taken(`${quoted(bytes)}, whose field is dropped`, 'GET / ', [...GET, ['x', `y${bytes}`]]),
    ),
    ...[`\r\n\r\n${SMUGGLED}`, '\r\ntransfer-encoding: chunked', '\r\ncontent-length: 40'].map((bytes) =>
      taken(
        `${quoted(bytes)} behind a value`,
        'POST / abcd',
        [...POST, ['x', `y${bytes}`]],
        data('abcd', EndStream),
      ),
    ),
    ...['cookie', 'authorization', 'x-forwarded-for', 'via'].map((name) =>
      taken(`a line in ${name}`, 'GET / ', [...GET, [name, 'trailers\r\nx: y']]),
    ),
    taken('spaces around', 'GET / ', [...GET, ['x', ' y ']]),
    taken('bytes beyond ASCII', 'GET / ', [...GET, ['x', '\xe9\x80']]),
    taken('nothing', 'GET / ', [...GET, ['x', '']]),
  ],
  lengths: [
    ...['+4', '-4', '4,4', '4, 4', '4 4', '0x4', '4;', '4.0', '', '"4"', '4e0', 'four', '\xd9\xa4', '4_'].map(
      (length) => refused(quoted(length), [...POST, ['content-length', length]], data('abcd', EndStream)),
    ),
    ...['9'.repeat(30), '18446744073709551620'].map((length) =>
      refused(quoted(length), [...POST, ['content-length', length]], data('abcd', EndStream)),
    ),
    refused('twice', [...POST, ['content-length', '4'], ['content-length', '4']], data('abcd', EndStream)),
    refused(
      'twice, differing',
      [...POST, ['content-length', '4'], ['content-length', '0']],
      data('abcd', EndStream),
    ),
    refused('more than there is', [...POST, ['content-length', '5']], data('abcd', EndStream)),
    refused('less than there is', [...POST, ['content-length', '3']], data('abcd', EndStream)),
    refused('zero with a body', [...POST, ['content-length', '0']], data(SMUGGLED, EndStream)),
    refused('some with no body', [...POST, ['content-length', '4']]),
    refused('some with an empty body', [...POST, ['content-length', '4']], data('', EndStream)),
    taken('as it is', 'POST / abcd', [...POST, ['content-length', '4']], data('ab'), data('cd', EndStream)),
    taken('none', `POST / ${SMUGGLED}`, POST, data(SMUGGLED, EndStream)),
    taken(
      'none, of what looks like chunks',
      `POST / 0\r\n\r\n${SMUGGLED}`,
      POST,
      data(`0\r\n\r\n${SMUGGLED}`, EndStream),
    ),
    taken('none, of nothing', 'POST / ', POST, data('', EndStream)),
  ],
  trailers: [
    ...[':path', ':status', 'X', 'connection', 'transfer-encoding', 'content-length', 'te'].map((name) =>
      refused(name, POST, data('abcd'), headers([[name, 'trailers2']], EndStream)),
    ),
    refused('that do not end the stream', POST, data('abcd'), headers([['x', 'y']], 0)),
    refused('a second head', POST, headers(POST, EndStream)),
    taken('a line of their own', 'POST / abcd', POST, data('abcd'), headers([['x', 'y\r\nz: a']], EndStream)),
    taken('cookies', 'POST / abcd', POST, data('abcd'), headers([['cookie', 'a=b']], EndStream)),
    taken('right ones', 'POST / abcd', POST, data('abcd'), headers([['x', 'y']], EndStream)),
  ],
  'heads in pieces': [
    ...[20, 40].map((bytes) => ({
      name: `of ${bytes} bytes`,
      bytes: Buffer.concat(inPieces(GET, bytes)),
      arrives: 'GET / ',
    })),
    ...[
      { name: 'of a byte: too many', bytes: Buffer.concat(inPieces(GET, 1)) },
      {
        name: 'with another frame between',
        bytes: Buffer.concat(
          inPieces(GET, 20).flatMap((piece) => [piece, http2Frame(Http2Frame.Ping, 0, 0, Buffer.alloc(8))]),
        ),
      },
      {
        name: 'without a beginning',
        bytes: http2Frame(Http2Frame.Continuation, EndHeaders, 1, http2Block(GET)),
      },
      { name: 'that are no HPACK', bytes: wholeHead(Buffer.alloc(20, 0xff)) },
      { name: 'that are cut off', bytes: wholeHead(http2Block(GET).subarray(0, -3)) },
      { name: 'with an index that HPACK has not', bytes: wholeHead(Buffer.of(0xff, 0x50)) },
    ].map((input) => ({ ...input, arrives: undefined })),
  ],
  'pieces without measure': [
    refused('fields', [...GET, ...Array.from({ length: 300 }, (_, at): Field => [`x-${at}`, 'y'])]),
    {
      name: 'values',
      bytes: Buffer.concat(
        inPieces([...GET, ...['x', 'y', 'z'].map((name): Field => [name, 'v'.repeat(15_000)])], 16_000),
      ),
      arrives: undefined,
    },
    {
      name: 'cookies',
      bytes: Buffer.concat(
        inPieces([...GET, ...Array.from({ length: 90 }, (): Field => ['cookie', 'c'.repeat(500)])], 16_000),
      ),
      arrives: undefined,
    },
  ],
};
