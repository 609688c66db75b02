import { expect, it } from 'vitest';
import { requestIdFrom } from './request-id.ts';
import { startWithAgent } from '../testing/edge-kit.ts';

const TRUSTED = { trustedProxies: ['127.0.0.1'] };
const idOf = (head: string): string | undefined => /\r\nX-Request-Id: (\S+)\r\n/.exec(head)?.[1];

it('a request keeps the id that a trusted proxy gave it, also in refusals', async () => {
  const { client, agent } = await startWithAgent(TRUSTED);
  client.request('GET /', ['X-Request-ID: from:proxy/1']);
  const stream = await agent.next();
  expect(idOf(stream.head)).toBe('from:proxy/1');
  stream.ok();
  expect((await client.response()).fields['x-request-id']).toBeUndefined();
  client.request('GET /', ['Host: nowhere.test', 'X-Request-ID: from-proxy-2']);
  expect((await client.response()).fields['x-request-id']).toBe('from-proxy-2');
});

it('a request of a stranger gets an id of the edge', async () => {
  const { client, agent } = await startWithAgent();
  client.request('GET /', ['X-Request-ID: chosen']);
  expect(idOf((await agent.next()).head)).toMatch(/^[0-9a-f]{12}-\w+$/);
});

it.each(['', 'a b', '<b>', 'x'.repeat(129), 'é', undefined])('%j is no id to take over', (given) => {
  expect(requestIdFrom(given)).toMatch(/^[0-9a-f]{12}-\w+$/);
});

it('by option every response tells the id, unless the service does', async () => {
  const { client, agent } = await startWithAgent({ echoRequestId: true });
  client.request();
  const stream = await agent.next();
  stream.ok();
  expect((await client.response()).fields['x-request-id']).toBe(idOf(stream.head));
  client.request();
  (await agent.next()).answer('HTTP/1.1 200 OK\r\nX-Request-Id: mine\r\nContent-Length: 0', '', 'last');
  expect((await client.response()).fields['x-request-id']).toBe('mine');
});

it('the trace context of a request passes untouched', async () => {
  const { client, agent } = await startWithAgent();
  const fields = [
    'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    'tracestate: a=1,b=2',
  ];
  client.request('GET /', fields);
  expect((await agent.next()).head).toContain(`\r\n${fields.join('\r\n')}\r\n`);
});
