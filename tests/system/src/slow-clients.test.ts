import { Http2Flag, Http2Frame, eventually, http2Block, http2Frame, readHttp2Frames } from '@culvert/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ask } from './testing/http-client.ts';
import { Installation, SHOP, metric } from './testing/installation.ts';
import { LocalService } from './testing/local-service.ts';
import { WireClient } from './testing/wire-client.ts';

/** So many at a time of each kind. */
const CROWD = 40;
const TICK_MS = 100;

let site: Installation;
let shop: LocalService;
let drips: NodeJS.Timeout[] = [];
beforeAll(async () => {
  shop = await LocalService.start('shop');
  site = await Installation.start({
    routes: [{ hostname: 'shop.test', tunnel: SHOP }],
    edge: { timeouts: { head: '2s', bodyIdle: '2s', total: '4s', idle: '2s', sniff: '2s' } },
  });
  await site.attach({ ingress: [{ service: shop.url }] });
});
afterEach(() => {
  for (const drip of drips) clearInterval(drip);
  drips = [];
});
afterAll(async () => {
  await site.stop();
  await shop.stop();
});

const HOST = 'Host: shop.test\r\n';
const PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  http2Frame(Http2Frame.Settings, 0, 0, Buffer.alloc(0)),
]);
/** SETTINGS_INITIAL_WINDOW_SIZE (RFC 9113 §6.5.2) of 0: nothing of a response may be sent. */
const NO_WINDOW = http2Frame(Http2Frame.Settings, 0, 0, Buffer.of(0, 4, 0, 0, 0, 0));

function request(method: string, path: string, flags: number): Buffer {
  const block = http2Block([
    [':method', method],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'shop.test'],
  ]);
  return http2Frame(Http2Frame.Headers, flags, 1, block);
}
const { EndHeaders, EndStream } = Http2Flag;

/** What a client says at once, and what it goes on saying, a little at a time; whether it reads. */
interface Slow {
  readonly first: string | Buffer;
  readonly then?: string | Buffer;
  readonly deaf?: true;
}

const FORMS: Readonly<Record<string, Slow>> = {
  'a head without end': { first: `GET / HTTP/1.1\r\n${HOST}X: `, then: 'y' },
  'a head that stops': { first: `GET / HTTP/1.1\r\n${HOST}X: ` },
  'first bytes that stop': { first: 'GE' },
  'a body that stops': { first: `POST /slow HTTP/1.1\r\n${HOST}Content-Length: 100000\r\n\r\n` },
  'a body that drips': { first: `POST /slow HTTP/1.1\r\n${HOST}Content-Length: 100000\r\n\r\n`, then: 'y' },
  'chunks that drip': {
    first: `POST /slow HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`,
    then: '1\r\ny\r\n',
  },
  'an answer that nobody reads': { first: `GET /bytes/50000000 HTTP/1.1\r\n${HOST}\r\n`, deaf: true },
  'a head of HTTP/2 without end': {
    first: Buffer.concat([PREFACE, request('GET', '/', EndStream)]),
  },
  'a connection of HTTP/2 that only pings': {
    first: PREFACE,
    then: http2Frame(Http2Frame.Ping, 0, 0, Buffer.alloc(8)),
  },
  'a body of HTTP/2 that stops': { first: Buffer.concat([PREFACE, request('POST', '/slow', EndHeaders)]) },
  'a body of HTTP/2 that drips': {
    first: Buffer.concat([PREFACE, request('POST', '/slow', EndHeaders)]),
    then: http2Frame(Http2Frame.Data, 0, 1, Buffer.from('y')),
  },
  'an answer of HTTP/2 that nobody takes': {
    first: Buffer.concat([PREFACE, NO_WINDOW, request('GET', '/bytes/50000000', EndHeaders | EndStream)]),
  },
};

/** Whether the edge has given the request up: by an end of the connection, of the stream, or by an answer of its own. */
function cutOff(client: WireClient): boolean {
  if (client.closed) return true;
  if (!client.received.subarray(3, 4).equals(Buffer.of(Http2Frame.Settings))) return false;
  return readHttp2Frames(client.received).some(
    ({ type, stream, flags }) =>
      (stream === 1 &&
        (type === Http2Frame.ResetStream || (type <= Http2Frame.Headers && (flags & EndStream) !== 0))) ||
      type === Http2Frame.GoAway,
  );
}

describe('a crowd of clients', () => {
  it.each(Object.entries(FORMS))(
    'with %s is cut off in time, and nobody else waits for it',
    { timeout: 60_000 },
    async (_, slow) => {
      const place = site.edge(0).http;
      const clients = await Promise.all(Array.from({ length: CROWD }, () => WireClient.open(place)));
      const startedAt = performance.now();
      for (const client of clients) {
        if (slow.deaf) client.socket.pause();
        client.send(slow.first);
        const { then } = slow;
        if (then !== undefined) drips.push(setInterval(() => client.closed || client.send(then), TICK_MS));
      }
      while (performance.now() - startedAt < 1_500) {
        const answer = await ask(place, 'shop.test', { path: '/beside' });
        expect([answer.status, answer.text.includes('"/beside"')]).toEqual([200, true]);
      }
      // Who does not read learns of the end no earlier than it reads: the edge has let go of it before.
      if (slow.deaf) {
        await eventually(async () => (await metric(site.edge(0).admin, 'culvert_edge_requests')) === 0, {
          timeoutMs: 15_000,
        });
        for (const client of clients) client.socket.resume();
      }
      await eventually(() => clients.every(cutOff), { timeoutMs: 20_000 });
      expect(performance.now() - startedAt).toBeGreaterThan(1_000);
      for (const client of clients) client.destroy();
      await eventually(async () => (await metric(site.edge(0).admin, 'culvert_edge_connections')) === 0, {
        timeoutMs: 15_000,
      });
      await eventually(async () => (await metric(site.edge(0).admin, 'culvert_edge_requests')) === 0);
    },
  );
});
