import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HOSTILE_REQUESTS } from './testing/hostile-corpus.ts';
import type { HostileInput } from './testing/hostile-corpus.ts';
import { ask, keptConnections } from './testing/http-client.ts';
import { Installation, SHOP } from './testing/installation.ts';
import { StrictService } from './testing/strict-service.ts';
import { WireClient } from './testing/wire-client.ts';

let site: Installation;
let service: StrictService;
const kept = keptConnections(1);
beforeAll(async () => {
  service = await StrictService.start();
  site = await Installation.start({
    routes: [{ hostname: 'shop.test', tunnel: SHOP }],
    // What stops in the middle is not waited for long.
    edge: { timeouts: { head: '1s', idle: '1s', bodyIdle: '1s' } },
  });
  await site.attach({ ingress: [{ service: service.url }] });
});
afterAll(async () => {
  kept.destroy();
  await site.stop();
  await service.stop();
});

/** All that comes back, once the edge has closed the connection. */
async function replay(pieces: readonly string[]): Promise<string> {
  const client = await WireClient.open(site.edge(0).http);
  for (const piece of pieces) {
    if (client.closed) break;
    await new Promise<void>((resolve) => client.socket.write(piece, 'latin1', () => resolve()));
  }
  await client.untilClosed();
  return client.text;
}

let probes = 0;

/** Somebody else, on a connection of their own, gets their own answer; what was sent before has arrived by then. */
async function probe(): Promise<string> {
  const path = `/probe-${++probes}`;
  const { text } = await ask(site.edge(0).http, 'shop.test', { path, agent: kept });
  expect(text).toBe(`GET ${path} `);
  return text;
}

/** What was answered: the requests that the service says it has answered, and the refusals of the edge. */
function answers(text: string): { readonly served: string[]; readonly refused: number } {
  const heads = text.split(/(?=HTTP\/1\.1 [1-5]\d\d )/).filter((part) => !/^HTTP\/1\.1 1|^$/.test(part));
  const bodies = heads.filter((part) => !/\r\nx-culvert-error: /i.test(part));
  return {
    served: bodies.map((part) => part.slice(part.indexOf('\r\n\r\n') + 4)),
    refused: heads.length - bodies.length,
  };
}

function withoutProbes(bytes: string): string {
  return bytes.replace(/GET \/probe-\d+ HTTP\/1\.1\r\n[^]*?\r\n\r\n/g, '');
}

async function obeysTheLaw({ arrives }: HostileInput, pieces: readonly string[]): Promise<void> {
  service.forget();
  const { served, refused } = answers(await replay(pieces));
  const own = await probe();
  const requests = service.requests.filter((request) => request !== own);
  // One message of ours is one message of the service's, and the client was answered for each, in order.
  expect({ requests, faults: service.faults }).toEqual({ requests: arrives, faults: [] });
  const unheard = (request: string): string => (request.startsWith('HEAD ') ? '' : request);
  expect(served).toEqual(arrives.map(unheard));
  expect(refused).toBeLessThanOrEqual(1);
  // Of what came at once, not a byte of a refused request; of what came in pieces, no more than a request's beginning.
  if (arrives.length === 0 && pieces.length === 1) expect(withoutProbes(service.bytes)).toBe('');
}

describe('hostile requests reach the service as the edge has understood them, or not at all:', () => {
  it.each(Object.entries(HOSTILE_REQUESTS))('%s', { timeout: 300_000 }, async (_, inputs) => {
    for (const input of inputs) {
      const half = Math.floor(input.bytes.length / 2);
      await expectNamed(input, () => obeysTheLaw(input, [input.bytes]));
      await expectNamed(input, () =>
        obeysTheLaw(input, [input.bytes.slice(0, half), input.bytes.slice(half)]),
      );
    }
  });
});

/** A failure that tells its input. */
async function expectNamed(input: HostileInput, law: () => Promise<void>): Promise<void> {
  try {
    await law();
  } catch (error) {
    throw new Error(`${input.name}: ${JSON.stringify(input.bytes.slice(0, 400))}`, { cause: error });
  }
}
