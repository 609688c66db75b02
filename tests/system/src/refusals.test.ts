import { freePort } from '@culvert/testkit';
import type { CulvertProcess } from '@culvert/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from './testing/http-client.ts';
import { Installation, SHOP, SHOP_TOKEN } from './testing/installation.ts';
import { LocalService } from './testing/local-service.ts';
import { WireClient } from './testing/wire-client.ts';

const NOBODY = '00000000-0000-4000-8000-000000000000';
const IDLE = '11111111-1111-4111-8111-111111111111';

let site: Installation;
let shop: LocalService;
beforeAll(async () => {
  shop = await LocalService.start('shop');
  site = await Installation.start({
    tunnels: [{ id: IDLE, name: 'idle', token: 'idle-token' }],
    routes: [
      { hostname: 'shop.test', tunnel: SHOP },
      { hostname: 'down.test', tunnel: SHOP },
      { hostname: 'idle.test', tunnel: IDLE },
    ],
  });
  await site.attach({
    ingress: [
      { hostname: 'shop.test', path: '/known', service: shop.url },
      { hostname: 'down.test', service: `http://127.0.0.1:${await freePort()}` },
      { service: 'http_status:404' },
    ],
  });
});
afterAll(async () => {
  await site.stop();
  await shop.stop();
});

describe('an agent that may not attach', () => {
  it.each([
    ['a wrong token', { token: 'wrong' }, 'unauthorized', `the token is not valid for tunnel ${SHOP}`],
    ['the token of another tunnel', { token: 'idle-token' }, 'unauthorized', `not valid for tunnel ${SHOP}`],
    ['an unknown tunnel', { tunnel: NOBODY }, 'unknown_tunnel', `there is no tunnel ${NOBODY}`],
    [
      'a hostname that it may not claim',
      { claims: { hostnames: ['bank.test'] } },
      'claim_refused',
      'the token may not claim bank.test',
    ],
  ])('because of %s says so in one line, and goes on trying slowly', async (_, wrong, code, text) => {
    const agent = site.agent({ ...wrong, ingress: [{ service: shop.url }] });
    const running: CulvertProcess = agent.launch();
    const line = await running.line('edge refused the link');
    expect(line).toMatchObject({ level: 'error', code });
    expect(line['text']).toContain(text);
    expect(line['retryInMs']).toBeGreaterThan(10_000);
    expect(running.alive).toBe(true);
    expect(running.stdout).not.toContain('"stack"');
    expect(`${running.stdout}${site.edge(0).service.process.stdout}`).not.toContain(SHOP_TOKEN);
    await agent.stop('SIGKILL');
  });

  it('because of its version is told which one is spoken here', async () => {
    const client = await WireClient.open(site.edge(0).agents);
    client.send('CULVERT\n');
    client.send(hello(99));
    await client.until(/version 1 of the link protocol, not 99 to 99/);
    const GO_AWAY = 14;
    const VERSION = 3;
    expect([client.received[0], client.received.readUInt16BE(10)]).toEqual([GO_AWAY, VERSION]);
    await client.untilClosed();
  });
});

/** A hello of a version to come: its fixed part stays the same in all of them, its body is not ours to read. */
function hello(version: number): Buffer {
  const body = Buffer.from('whatever a later version has here');
  const frame = Buffer.alloc(10 + 6 + body.length);
  frame[0] = 1;
  frame.writeUInt32BE(6 + body.length, 6);
  frame[10] = version;
  frame[11] = version;
  body.copy(frame, 16);
  return frame;
}

describe('a client', () => {
  const at = () => site.edge(0).http;

  it('is told that a hostname is unknown, by its name', async () => {
    const { status, headers, text } = await ask(at(), 'nowhere.test');
    expect(status).toBe(404);
    expect(headers['x-culvert-error']).toBe('unknown_hostname');
    expect(headers['x-request-id']).toMatch(/./);
    expect(headers['content-type']).toMatch(/^text\/plain/);
    expect(text).toContain('nowhere.test');
    expect(text.trim().split('\n')).toHaveLength(1);
  });

  it('is told that no agent serves a known hostname, and when to come back', async () => {
    const { status, headers, text } = await ask(at(), 'idle.test');
    expect([status, headers['x-culvert-error']]).toEqual([503, 'no_agent']);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(text).toContain('idle.test');
  });

  it('is told that the service is unreachable', async () => {
    const { status, headers } = await ask(at(), 'down.test');
    expect([status, headers['x-culvert-error']]).toEqual([502, 'upstream_unreachable']);
  });

  it('gets the answer that the agent has for the rest, as an answer of the service', async () => {
    expect((await ask(at(), 'shop.test', { path: '/known' })).status).toBe(200);
    const { status, headers } = await ask(at(), 'shop.test', { path: '/other' });
    expect([status, headers['x-culvert-error']]).toEqual([404, undefined]);
  });

  it('gets JSON where it accepts JSON', async () => {
    const { headers, text } = await ask(at(), 'nowhere.test', { headers: { accept: 'application/json' } });
    expect(headers['content-type']).toMatch(/^application\/json/);
    const { error } = JSON.parse(text) as { error: { code: string; message: string } };
    expect(error.code).toBe('unknown_hostname');
    expect(error.message).toContain('nowhere.test');
  });

  it('gets a page where it is a browser, with nothing of its own in it', async () => {
    const accept = 'text/html,application/xhtml+xml,*/*;q=0.8';
    const { headers, text } = await ask(at(), 'nowhere.test', { path: '/<script>', headers: { accept } });
    expect(headers['content-type']).toMatch(/^text\/html/);
    expect(text).toContain('nowhere.test');
    expect(text).not.toContain('<script>');
  });
});
