/** Nanoseconds per head: from the bytes in a buffer to the parsed head, as the edge does it. `node bench/heads.ts` */
import { findHeadEnd, headStart, readRequestHead, readResponseHead } from '../src/index.ts';

const BROWSER =
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n' +
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n' +
  'Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n' +
  'Connection: keep-alive\r\nUpgrade-Insecure-Requests: 1\r\n';
const HEADS = {
  'request, 60 bytes': 'GET /index.html HTTP/1.1\r\nHost: app.example.com\r\nA: 1\r\n\r\n',
  'request, 400 bytes': `GET /catalogue/items?page=2 HTTP/1.1\r\nHost: app.example.com\r\n${BROWSER}X: ${'x'.repeat(32)}\r\n\r\n`,
  'request, 1200 bytes':
    `POST /catalogue/items?page=2 HTTP/1.1\r\nHost: app.example.com\r\n${BROWSER}` +
    `Content-Type: application/json\r\nContent-Length: 12\r\nSec-Fetch-Mode: cors\r\nCookie: ${'c=0123456789; '.repeat(54)}e=1\r\n\r\n`,
  'response, 240 bytes':
    'HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sat, 21 Nov 2026 10:00:00 GMT\r\nContent-Type: text/html\r\n' +
    'Content-Length: 615\r\nLast-Modified: Tue, 04 Dec 2026 14:44:02 GMT\r\nConnection: keep-alive\r\n' +
    'ETag: "61ab7e52-267"\r\nAccept-Ranges: bytes\r\n\r\n',
};
const ROUNDS = 200_000;
const TRIES = 5;

function parse(buffer: Buffer, label: string): number {
  const start = headStart(buffer, 0, buffer.length);
  const end = findHeadEnd(buffer, start, buffer.length);
  return label.startsWith('request')
    ? readRequestHead(buffer, start, end).minor
    : readResponseHead(buffer, start, end, 'GET').status;
}

for (const [label, head] of Object.entries(HEADS)) {
  const buffer = Buffer.from(head, 'latin1');
  let best = Infinity;
  let sum = 0;
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const began = process.hrtime.bigint();
    for (let round = 0; round < ROUNDS; round += 1) sum += parse(buffer, label);
    best = Math.min(best, Number(process.hrtime.bigint() - began) / ROUNDS);
  }
  if (sum === 0) throw new RangeError('nothing was parsed');
  const size = String(buffer.length).padStart(5);
  process.stdout.write(`${label.padEnd(22)} ${size} bytes ${best.toFixed(0).padStart(6)} ns\n`);
}
