import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import {
  GoAwayCode,
  HEADER_BYTES,
  Kind,
  Protocol,
  openBytes,
  packUuid,
  writeHeader,
  writeOpen,
} from '@culvert/wire';
import { NOTHING, TUNNEL, fakeTime, pass, passAtOnce, simulatedPair } from './testing/link-pair.ts';

// A peer that sends, and does not read what it is answered.

beforeEach(fakeTime);
afterEach(() => {
  expect(vi.getTimerCount(), 'timers left behind').toBe(0);
  vi.useRealTimers();
});

function frame(kind: Kind, flags: number, stream: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  writeHeader(header, 0, kind, flags, stream, payload.length);
  return Buffer.concat([header, payload]);
}

function opening(stream: number): Buffer {
  const tunnel = packUuid(TUNNEL);
  const meta = {
    protocol: Protocol.Tcp,
    hops: 0,
    window: 65_536,
    tunnel,
    hostname: '',
    client: '',
    head: '',
  };
  const payload = Buffer.alloc(openBytes(meta));
  writeOpen(payload, 0, meta);
  return frame(Kind.Open, 1, stream, payload);
}

it('pings that are not read pin no more memory than their answers are long', async () => {
  const pair = await simulatedPair();
  pair.path.listener.block();
  for (let count = 0; count < 3_000; count++) {
    pair.path.dialer.inject(frame(Kind.Ping, 0, 0, Buffer.alloc(8)));
    passAtOnce(1);
  }
  passAtOnce(10);
  expect(pair.path.listener.pinnedBytes).toBeLessThan(1_000_000);
  pair.dialer.link.close(GoAwayCode.Leaving, '');
  await pass(2_000);
});

it('small answers that are not read pin no more memory than they are long', async () => {
  const pair = await simulatedPair();
  pair.path.listener.block();
  for (let count = 0; count < 2_000; count++) {
    pair.path.dialer.inject(opening(2 * count + 1));
    passAtOnce(1);
    pair.listener.owner.accepted
      .at(-1)!
      .stream.sendHead('HTTP/1.1 204 No Content\r\n\r\n', NOTHING, 0, 0, true);
  }
  passAtOnce(10);
  expect(pair.path.listener.pinnedBytes).toBeLessThan(1_000_000);
  pair.dialer.link.close(GoAwayCode.Leaving, '');
  await pass(2_000);
});

it('answers that are not read close the link before they take too much', async () => {
  const pair = await simulatedPair();
  pair.path.listener.block();
  const head = 'x'.repeat(100_000);
  for (let count = 0; count < 400 && pair.listener.owner.ends.length === 0; count++) {
    pair.path.dialer.inject(opening(2 * count + 1));
    passAtOnce(1);
    pair.listener.owner.accepted.at(-1)?.stream.sendHead(head, NOTHING, 0, 0, true);
  }
  expect(pair.listener.owner.ends).toMatchObject([{ code: GoAwayCode.Protocol, by: 'us' }]);
  expect(pair.path.listener.largestBacklog).toBeLessThan(17_000_000);
  pair.path.listener.destroy();
  await pass(2_000);
});

it('a link with far too much unsent is not available for new streams', async () => {
  const pair = await simulatedPair();
  pair.path.listener.block();
  const head = 'x'.repeat(100_000);
  let opened = 0;
  while (pair.listener.link.available && opened < 1_000) {
    pair.listener.open({ meta: { head }, last: true });
    opened++;
    passAtOnce(1);
  }
  expect(opened).toBeLessThan(100);
  pair.path.listener.unblock();
  await pass(100);
  expect(pair.listener.link.available).toBe(true);
  pair.dialer.link.close(GoAwayCode.Leaving, '');
  await pass(2_000);
});
