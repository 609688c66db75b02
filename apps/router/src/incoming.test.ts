import { AUTHENTICATE, EDGE_LEASE, RESOLVE, SESSIONS, SignalsTimeoutError } from '@culvert/signals';
import { expect, it } from 'vitest';
import { authenticateRequest, edgeBye, edgeInfo, sessionsMessage } from './incoming.ts';
import {
  ASK,
  authentication,
  edge,
  memoryInstallation,
  runRouter,
  session,
  SHOP,
} from './testing/router-kit.ts';

const GARBAGE = [null, 1, 'text', [], {}, { edge: 1 }, { id: '' }, { hostname: 7 }, { sessions: [{}] }];

it.each(GARBAGE.map((message) => [message]))('%j is no message from an edge', (message) => {
  for (const check of [authenticateRequest, edgeInfo, edgeBye, sessionsMessage]) {
    expect(check(message)).toBeUndefined();
  }
});

it('well-formed messages pass as they are', () => {
  const request = authentication('t', SHOP, { hostnames: ['a.test'], ports: [7_000] });
  expect(authenticateRequest(request)).toEqual(request);
  expect(edgeInfo(edge())).toEqual(edge());
  const all = { edge: 'eu-1', boot: 'b', seq: 1, mode: 'all', sessions: [session()] };
  expect(sessionsMessage(all)).toEqual(all);
  const change = { edge: 'eu-1', boot: 'b', seq: 2, mode: 'change', up: [session()], down: ['s1'] };
  expect(sessionsMessage(change)).toEqual(change);
});

it.each([
  { digest: 'short' },
  { claims: { hostnames: ['not a hostname'], ports: [] } },
  { claims: { hostnames: ['*'], ports: [] } },
  { claims: { hostnames: [], ports: [0] } },
  { claims: { hostnames: [], ports: [70_000] } },
])('an authentication with %j is refused', (wrong) => {
  expect(authenticateRequest({ ...authentication('t', SHOP), ...wrong })).toBeUndefined();
});

it('garbage stays unanswered and the router goes on', async () => {
  const installation = memoryInstallation();
  await runRouter(installation);
  const signals = await installation.signals();
  for (const message of GARBAGE) {
    signals.publish(SESSIONS, message);
    signals.publish(EDGE_LEASE, message);
    const asking = signals.request(AUTHENTICATE, message, { timeoutMs: 20 });
    await expect(asking).rejects.toBeInstanceOf(SignalsTimeoutError);
  }
  expect(await signals.request(RESOLVE, { hostname: 'example.com' }, ASK)).toMatchObject({
    routes: [{ tunnel: SHOP }],
  });
});
