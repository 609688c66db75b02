import { once } from 'node:events';
import { eventually, freePort } from '@culvert/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { ConfiguredService } from './testing/configured-service.ts';
import { FreshLoad } from './testing/fresh-load.ts';
import { ask } from './testing/http-client.ts';
import type { Place } from './testing/http-client.ts';
import { Installation, SHOP } from './testing/installation.ts';
import { LocalService } from './testing/local-service.ts';

const CLIENTS = 16;

describe('a process that is replaced', () => {
  let site: Installation;
  let shop: LocalService;
  let agent: ConfiguredService;
  let agentAdmin: Place;
  /** Processes that the services have started themselves. */
  const successors: number[] = [];
  beforeAll(async () => {
    shop = await LocalService.start('shop');
    const port = await freePort();
    site = await Installation.start({
      edges: 2,
      routes: [
        { hostname: 'shop.test', tunnel: SHOP },
        { port, tunnel: SHOP },
      ],
      edge: { drainDelay: '300ms', drainTimeout: '15s', reusePort: true },
    });
    agentAdmin = { host: '127.0.0.1', port: await freePort() };
    agent = await site.attach({
      ingress: [{ service: shop.url }],
      admin: { listen: `127.0.0.1:${agentAdmin.port}` },
      drainTimeout: '15s',
    });
    await eventually(async () => (await ask(site.edge(1).http, 'shop.test')).status === 200);
  });
  afterAll(async () => {
    for (const pid of successors) endProcess(pid);
    await site.stop();
    await shop.stop();
  });

  /** Tells the process to hand over; resolves when the successor works and the process has ended. */
  const replace = async (service: ConfiguredService): Promise<number> => {
    const { process } = service;
    const before = process.log.length;
    process.signal('SIGUSR2');
    const find = () => process.log.slice(before).find(({ msg }) => msg === 'handed over');
    await eventually(() => find() !== undefined, { timeoutMs: 40_000 });
    const pid = Number(find()?.['pid']);
    successors.push(pid);
    await eventually(() => !process.alive, { timeoutMs: 20_000 });
    return pid;
  };

  it('an edge: refuses and loses no connection, and its WebSockets go on', async () => {
    const { http, service, admin } = site.edge(0);
    const webSocket = new WebSocket(`ws://${http.host}:${http.port}/`, { headers: { host: 'shop.test' } });
    await once(webSocket, 'open');
    const load = new FreshLoad(http, 'shop.test', CLIENTS);
    const far = new FreshLoad(site.edge(1).http, 'shop.test', 2);
    await eventually(() => load.answered > 100 && far.answered > 10);
    const process = service.process;
    process.signal('SIGUSR2');
    await process.line('handed over', undefined, 40_000);
    successors.push(Number((await process.line('handed over'))['pid']));
    webSocket.send('during the change');
    const [echo] = (await once(webSocket, 'message')) as [Buffer];
    expect(echo.toString()).toBe('during the change');
    webSocket.close();
    await eventually(() => !process.alive, { timeoutMs: 20_000 });
    const during = load.answered;
    await eventually(() => load.answered > during + 100);
    expect(await load.stop()).toEqual({});
    expect(await far.stop()).toEqual({});
    expect((await ask(admin, 'admin', { path: '/readyz' })).status).toBe(200);
    expect((await site.list<{ id: string }>('edges')).map(({ id }) => id)).toEqual(['edge-1', 'edge-2']);
    await eventually(async () => (await site.list('sessions')).length === 1);
  });

  it('an agent: the next one is attached before the former leaves', async () => {
    const load = new FreshLoad(site.edge(0).http, 'shop.test', 4);
    await replace(agent);
    const during = load.answered;
    await eventually(() => load.answered > during + 20);
    expect(await load.stop()).toEqual({});
    expect((await ask(agentAdmin, 'admin', { path: '/readyz' })).status).toBe(200);
  });

  it('a router: answers at its address all the time', async () => {
    const { service, admin } = site.router(0);
    const load = new FreshLoad({ ...admin }, 'admin', 4);
    load.failures.clear();
    await replace(service);
    const failures = await load.stop();
    // The API wants a token, which this load has not.
    expect(Object.keys(failures)).toEqual(['404 undefined']);
    expect((await ask(admin, 'admin', { path: '/readyz' })).status).toBe(200);
    expect((await ask(site.edge(0).http, 'shop.test')).status).toBe(200);
  });

  it('goes on when the next one does not come to work, and says why', async () => {
    const { service, http } = site.edge(1);
    service.extend({ entryPoints: [{ listen: 'nowhere' }] });
    service.process.signal('SIGUSR2');
    const line = await service.process.line('no other process has taken over; this one goes on');
    expect(line).toMatchObject({ level: 'error', reason: 'ended with status 2' });
    expect(service.process.stderr).toContain('entryPoints.0.listen: expected an address');
    expect(service.process.alive).toBe(true);
    expect((await ask(http, 'shop.test')).status).toBe(200);
    service.extend({ entryPoints: [{ listen: `${http.host}:${http.port}` }] });
  });

  it('by hand: a second process starts on the same ports, serves, and the first one leaves', async () => {
    const { service, http } = site.edge(1);
    const load = new FreshLoad(http, 'shop.test', 4);
    const first = service.process;
    const second = service.launch();
    await second.ready();
    await eventually(() => load.answered > 100);
    expect(await first.stop('SIGTERM')).toEqual({ status: 0, signal: null });
    const during = load.answered;
    await eventually(() => load.answered > during + 100);
    expect(await load.stop()).toEqual({});
  });
});

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}
