import { eventually } from '@culvert/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CheckedService } from './checked-service.ts';
import { download, upload } from './kinds/bulk.ts';
import { events } from './kinds/events.ts';
import type { Kind } from './kinds/kind.ts';
import { small } from './kinds/small.ts';
import { socket } from './kinds/socket.ts';
import { Ledger } from './ledger.ts';
import { Load } from './load.ts';
import type { Outcome } from './outcome.ts';
import { LIES, startLiar } from './testing/liar.ts';

const SIZE = { bytes: 200_000, ms: 50 };
const KINDS = {
  get: small('GET'),
  put: small('PUT'),
  post: small('POST'),
  upload: upload(SIZE),
  download: download(SIZE),
  events: events(2, 20),
  socket: socket(300),
} as const;

/** What users find at a port, after so many things of each kind. */
async function usersAt(port: number, kinds: readonly Kind[], count = 3): Promise<readonly Outcome[]> {
  const place = { host: '127.0.0.1', port };
  const load = new Load({
    fronts: [{ id: 'only', http: place, admin: place }],
    hostnames: ['shop.test'],
    work: kinds.map((kind) => ({ kind, perSecond: 5 })),
    ledger: new Ledger(),
  });
  await eventually(() => load.outcomes.length >= kinds.length * count, { timeoutMs: 20_000 });
  return load.stop();
}

async function usersOfLiar(kind: Kind, ...lie: Parameters<typeof startLiar>): Promise<readonly Outcome[]> {
  const { place, close } = await startLiar(...lie);
  onTestFinished(() => void close());
  return usersAt(place.port, [kind]);
}

describe('the load', () => {
  it('finds nothing wrong with a service that is right', async () => {
    const service = await CheckedService.start(new Ledger());
    onTestFinished(() => service.stop());
    const outcomes = await usersAt(Number(new URL(service.url).port), Object.values(KINDS));
    expect(outcomes.filter(({ result }) => result !== 'ok')).toEqual([]);
    expect(new Set(outcomes.map(({ kind }) => kind)).size).toBe(7);
  });

  it.each(Object.keys(LIES) as (keyof typeof LIES)[])('notices a wrong answer to %s', async (kind) => {
    const outcomes = await usersOfLiar(KINDS[kind], LIES[kind]);
    expect(new Set(outcomes.map(({ result }) => result))).toEqual(new Set(['wrong']));
  });

  it('notices a message that a WebSocket has lost', async () => {
    const outcomes = await usersOfLiar(KINDS.socket, () => undefined);
    expect(new Set(outcomes.map(({ result }) => result))).toEqual(new Set(['wrong']));
  });

  it.each(['get', 'download'] as const)(
    'calls an answer to %s that is cut off failed, not wrong',
    async (kind) => {
      const outcomes = await usersOfLiar(KINDS[kind], (_, response) => {
        response.writeHead(200, { 'content-length': 100 });
        response.write('', () => response.destroy());
      });
      expect(new Set(outcomes.map(({ result }) => result))).toEqual(new Set(['failed']));
    },
  );

  it('tells a refusal by its status and reason', async () => {
    const outcomes = await usersOfLiar(KINDS.post, (_, response) => {
      response.writeHead(503, { 'x-culvert-error': 'no_agent' }).end();
    });
    expect(outcomes[0]).toMatchObject({ kind: 'post', result: 'failed', why: '503 no_agent' });
  });
});

it('what must not be done twice is noted when it is', async () => {
  const ledger = new Ledger();
  const service = await CheckedService.start(ledger);
  onTestFinished(() => service.stop());
  for (const method of ['PUT', 'PUT']) await fetch(`${service.url}/nonce/one`, { method, body: 'x' });
  expect(ledger.doubled).toEqual([]);
  for (const _ of [1, 2]) await fetch(`${service.url}/nonce/two`, { method: 'POST', body: 'x' });
  expect(ledger.doubled).toEqual(['two']);
});
