import { Http2Flag, Http2Frame, eventually, http2Block, http2Frame, readHttp2Frames } from '@culvert/testkit';
import type { ReadHttp2Frame } from '@culvert/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HOSTILE_FRAMES } from './testing/hostile-http2-corpus.ts';
import type { HostileFrames } from './testing/hostile-http2-corpus.ts';
import { Installation, SHOP } from './testing/installation.ts';
import { StrictService } from './testing/strict-service.ts';
import { WireClient } from './testing/wire-client.ts';

const PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  http2Frame(Http2Frame.Settings, 0, 0, Buffer.alloc(0)),
]);
const SETTINGS_TAKEN = http2Frame(Http2Frame.Settings, 1, 0, Buffer.alloc(0));
let inputs = 0;

/** The request on stream 3, by a name of its own: that of an input before may still be on its way. */
function last(): { readonly bytes: Buffer; readonly request: string } {
  const path = `/last-${++inputs}`;
  const block = http2Block([
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'shop.test'],
  ]);
  const flags = Http2Flag.EndStream | Http2Flag.EndHeaders;
  return { bytes: http2Frame(Http2Frame.Headers, flags, 3, block), request: `GET ${path} ` };
}

/** A field block that begins with `:status: 200` of the static table (RFC 7541, appendix A), as nghttp2 writes it. */
const OK = 0x88;

let site: Installation;
let service: StrictService;
beforeAll(async () => {
  service = await StrictService.start();
  site = await Installation.start({
    routes: [{ hostname: 'shop.test', tunnel: SHOP }],
    edge: { timeouts: { head: '1s', idle: '1s', bodyIdle: '1s' } },
  });
  await site.attach({ ingress: [{ service: service.url }] });
});
afterAll(async () => {
  await site.stop();
  await service.stop();
});

const ends = (frames: readonly ReadHttp2Frame[], stream: number): boolean =>
  frames.some(
    (frame) =>
      frame.stream === stream &&
      (frame.type === Http2Frame.ResetStream ||
        (frame.type <= Http2Frame.Headers && (frame.flags & Http2Flag.EndStream) !== 0)),
  );

/** The frames that come back until both streams have ended, or the connection has. */
async function replay(bytes: Buffer): Promise<ReadHttp2Frame[]> {
  const client = await WireClient.open(site.edge(0).http);
  client.send(Buffer.concat([PREFACE, SETTINGS_TAKEN, bytes]));
  const frames = await eventually(
    () => {
      const read = readHttp2Frames(client.received);
      return client.closed || (ends(read, 1) && ends(read, 3)) ? { read } : false;
    },
    { timeoutMs: 15_000 },
  );
  client.destroy();
  return frames.read;
}

async function obeysTheLaw({ bytes, arrives }: HostileFrames): Promise<void> {
  service.forget();
  const third = last();
  const frames = await replay(Buffer.concat([bytes, third.bytes]));
  const served = frames
    .filter(({ type, payload }) => type === Http2Frame.Headers && payload[0] === OK)
    .map(({ stream }) => stream);
  const { faults } = service;
  const requests = service.requests.filter((request) => !request.startsWith('GET /last-'));
  expect({ requests, faults }).toEqual({ requests: arrives === undefined ? [] : [arrives], faults: [] });
  expect(served.includes(1)).toBe(arrives !== undefined);
  // Either the connection was given up, or the input has cost the other stream nothing.
  if (arrives !== undefined) expect(served).toContain(3);
  if (served.includes(3)) expect(service.requests).toContain(third.request);
}

describe('hostile requests over HTTP/2 reach the service as the edge has understood them, or not at all:', () => {
  it.each(Object.entries(HOSTILE_FRAMES))('%s', { timeout: 300_000 }, async (_, family) => {
    for (const input of family) {
      await obeysTheLaw(input).catch((error: unknown) => {
        throw new Error(input.name, { cause: error });
      });
    }
  });
});
