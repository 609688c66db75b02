/**
 * What a client may be told of a hostile answer: `refused` is a 502 of ours; `cut` one that visibly does not end, or a
 * 502 where the fault was seen before the head went out; otherwise its whole body.
 */
export type Told = 'refused' | 'cut' | { readonly whole: string };

export interface HostileAnswer {
  readonly name: string;
  /** What the service writes when it gets the request. */
  readonly bytes: string;
  readonly told: Told;
  /** What the service does then; absent: it waits. */
  readonly then?: 'end' | 'abort';
}

/** A whole answer of somebody else's that follows the hostile one: no client may ever see it. */
const FORGED = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Forged: yes\r\n\r\nforged';
const PLAIN = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

function all(told: Told, inputs: Readonly<Record<string, string>>, then?: 'end' | 'abort'): HostileAnswer[] {
  const rest = then === undefined ? {} : { then };
  return Object.entries(inputs).map(([name, bytes]) => ({ name, bytes, told, ...rest }));
}

/** An answer with these lines besides, and another one behind it. */
function withLines(...lines: string[]): string {
  return `HTTP/1.1 200 OK\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\nok${FORGED}`;
}

const FRAMINGS = all('refused', {
  'a length and chunks': withLines('Content-Length: 2', 'Transfer-Encoding: chunked'),
  'chunks and a length': withLines('Transfer-Encoding: chunked', 'Content-Length: 2'),
  'two lengths': withLines('Content-Length: 2', 'Content-Length: 4'),
  'one length twice': withLines('Content-Length: 2', 'Content-Length: 2'),
  'a list of lengths': withLines('Content-Length: 2, 2'),
  'a length with a sign': withLines('Content-Length: +2'),
  'a negative length': withLines('Content-Length: -2'),
  'a length in hexadecimal': withLines('Content-Length: 0x2'),
  'an empty length': withLines('Content-Length:'),
  'a length beyond all measure': withLines('Content-Length: 18446744073709551618'),
  'a coding other than chunks': withLines('Transfer-Encoding: identity'),
  'a coding in front of chunks': withLines('Transfer-Encoding: gzip, chunked'),
  'a coding behind chunks': withLines('Transfer-Encoding: chunked, identity'),
  'chunks twice': withLines('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'),
  'a coding behind a vertical tab': withLines('Transfer-Encoding: \x0bchunked'),
  'a coding on a folded line': withLines('Transfer-Encoding:', ' chunked'),
  'a coding with a space before its colon': withLines('Transfer-Encoding : chunked'),
  'chunks in HTTP/1.0': `HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${FORGED}`,
});

const HEADS = all('refused', {
  'bare line feeds alone': 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok',
  'a bare line feed behind the status': 'HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok',
  'a bare line feed in a value': withLines('A: b\nX-Forged: yes', 'Content-Length: 2'),
  'a bare carriage return in a value': withLines('A: b\rX-Forged: yes', 'Content-Length: 2'),
  'a carriage return in its reason': `HTTP/1.1 200 O\rK\r\nContent-Length: 2\r\n\r\nok`,
  'NUL in a value': withLines('A: b\0c', 'Content-Length: 2'),
  'NUL in a name': withLines('A\0: b', 'Content-Length: 2'),
  'a folded line': withLines('A: b', ' c', 'Content-Length: 2'),
  'a folded first line': withLines(' A: b', 'Content-Length: 2'),
  'a space before a colon': withLines('A : b', 'Content-Length: 2'),
  'a line without colon': withLines('Abc', 'Content-Length: 2'),
  'an empty name': withLines(': b', 'Content-Length: 2'),
  'a name that is none': withLines('A(b): c', 'Content-Length: 2'),
  'a name beyond ASCII': withLines('A\xe9: c', 'Content-Length: 2'),
  'a status of two digits': 'HTTP/1.1 99 OK\r\nContent-Length: 2\r\n\r\nok',
  'a status of four digits': 'HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok',
  'a status that is no number': 'HTTP/1.1 2OO OK\r\nContent-Length: 2\r\n\r\nok',
  'a status below 100': 'HTTP/1.1 000 OK\r\nContent-Length: 2\r\n\r\nok',
  'a status beyond 599': 'HTTP/1.1 999 OK\r\nContent-Length: 2\r\n\r\nok',
  'another version': 'HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'a version of HTTP/2': 'HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'another protocol': 'SSH-2.0-OpenSSH_9.2p1\r\n',
  'an alert of TLS': '\x15\x03\x01\x00\x02\x02\x46',
  'frames of HTTP/2': '\0\0\0\x04\0\0\0\0\0',
  'empty lines in front': `\r\n${PLAIN}`,
  'a value without end': `HTTP/1.1 200 OK\r\nA: ${'b'.repeat(300_000)}`,
  'a reason without end': `HTTP/1.1 200 ${'b'.repeat(300_000)}`,
  'too many fields': withLines(...Array<string>(500).fill('A: b'), 'Content-Length: 2'),
});

const INTERIM = [
  ...all('refused', {
    'a switch that nobody asked for': `HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n${FORGED}`,
    'a switch to nothing': `HTTP/1.1 101 X\r\n\r\n${FORGED}`,
    'a body of an interim answer': `HTTP/1.1 103 X\r\nContent-Length: 6\r\n\r\nforged${PLAIN}`,
    'endless interim answers': `${'HTTP/1.1 103 X\r\n\r\n'.repeat(2_000)}${PLAIN}`,
  }),
];

const CHUNKS = [
  ...all('cut', {
    'a size that is no number': `${CHUNKED}2\r\nok\r\nzz\r\n${FORGED}`,
    'a size with a sign': `${CHUNKED}2\r\nok\r\n+6\r\nforged\r\n0\r\n\r\n`,
    'a size with a prefix': `${CHUNKED}2\r\nok\r\n0x6\r\nforged\r\n0\r\n\r\n`,
    'a size behind a space': `${CHUNKED}2\r\nok\r\n 6\r\nforged\r\n0\r\n\r\n`,
    'a size beyond all measure': `${CHUNKED}2\r\nok\r\n10000000000000006\r\nforged\r\n0\r\n\r\n`,
    'a size of 2^63': `${CHUNKED}2\r\nok\r\n8000000000000000\r\n`,
    'a size with a bare line feed': `${CHUNKED}2\r\nok\r\n6\nforged\r\n0\r\n\r\n`,
    'an extension with a bare line feed': `${CHUNKED}2\r\nok\r\n6;a\nforged\r\n0\r\n\r\n`,
    'an extension with NUL': `${CHUNKED}2\r\nok\r\n6;a=\0\r\nforged\r\n0\r\n\r\n`,
    'an extension without end': `${CHUNKED}2\r\nok\r\n6;${'a'.repeat(100_000)}`,
    'a chunk without its line end': `${CHUNKED}2\r\nokXX0\r\n\r\n${FORGED}`,
    'a chunk that is longer than told': `${CHUNKED}2\r\nokay\r\n0\r\n\r\n${FORGED}`,
    'a length in the trailers': `${CHUNKED}2\r\nok\r\n0\r\nContent-Length: 6\r\n\r\n${FORGED}`,
    'a coding in the trailers': `${CHUNKED}2\r\nok\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n${FORGED}`,
    'a bare line feed in the trailers': `${CHUNKED}2\r\nok\r\n0\r\nA: b\n\r\n${FORGED}`,
    'a folded trailer': `${CHUNKED}2\r\nok\r\n0\r\nA: b\r\n c\r\n\r\n${FORGED}`,
    'trailers without end': `${CHUNKED}2\r\nok\r\n0\r\n${'A: b\r\n'.repeat(30_000)}`,
  }),
];

const ENDS = [
  ...all(
    'refused',
    {
      'nothing at all': '',
      'the beginning of a head': 'HTTP/1.1 200 OK\r\nConte',
      'text without a head': 'just some text',
      'an interim answer alone': 'HTTP/1.1 103 X\r\nLink: </a>\r\n\r\n',
    },
    'end',
  ),
  ...['end', 'abort'].flatMap((then) =>
    all(
      'cut',
      {
        [`less than its length, then ${then}`]: 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf',
        [`a part of a chunk, then ${then}`]: `${CHUNKED}a\r\nhalf`,
        [`a chunk without the last, then ${then}`]: `${CHUNKED}4\r\nhalf\r\n`,
        [`a last chunk without its end, then ${then}`]: `${CHUNKED}4\r\nhalf\r\n0\r\n`,
        [`half a trailer, then ${then}`]: `${CHUNKED}4\r\nhalf\r\n0\r\nA: b`,
      },
      then as 'end' | 'abort',
    ),
  ),
  ...all(
    'cut',
    { 'a body that ends with its connection, then abort': 'HTTP/1.1 200 OK\r\n\r\nhalf' },
    'abort',
  ),
];

const SURPLUS = [
  { name: 'a second answer', bytes: PLAIN + FORGED, told: { whole: 'ok' } },
  {
    name: 'a second answer behind chunks',
    bytes: `${CHUNKED}2\r\nok\r\n0\r\n\r\n${FORGED}`,
    told: { whole: 'ok' },
  },
  { name: 'more than its length', bytes: `${PLAIN}ay`, told: { whole: 'ok' } },
  {
    name: 'a body of 204',
    bytes: `HTTP/1.1 204 X\r\nContent-Length: ${FORGED.length}\r\n\r\n${FORGED}`,
    told: { whole: '' },
  },
  {
    name: 'a body of 304',
    bytes: `HTTP/1.1 304 X\r\nContent-Length: 6\r\n\r\n${FORGED}`,
    told: { whole: '' },
  },
] satisfies HostileAnswer[];

/** Whatever a service may answer with that is no answer, or more than one. */
export const HOSTILE_ANSWERS: Readonly<Record<string, readonly HostileAnswer[]>> = {
  'framing that can be read in two ways': FRAMINGS,
  'heads that are none': HEADS,
  'interim answers': INTERIM,
  'chunks and trailers': CHUNKS,
  'answers that break off': ENDS,
  'more than one answer': SURPLUS,
};
