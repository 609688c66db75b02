import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createSecureServer } from 'node:https';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Authority, CulvertProcess, eventually, freePort } from '@culvert/testkit';
import type { LogLine } from '@culvert/testkit';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Configuration, ConfiguredService } from './testing/configured-service.ts';
import { ask, keptConnections, open } from './testing/http-client.ts';
import type { Place } from './testing/http-client.ts';
import { at, Installation, SHOP } from './testing/installation.ts';
import { LocalService } from './testing/local-service.ts';

const REFUSED = 'configuration refused; the former one stays in force';

describe('a service whose configuration changes while it runs', () => {
  let site: Installation;
  let shop: LocalService;
  let agent: ConfiguredService;
  beforeAll(async () => {
    shop = await LocalService.start('shop');
    site = await Installation.start({ routes: [{ hostname: 'shop.test', tunnel: SHOP }] });
    agent = await site.attach({ ingress: [{ service: shop.url }] });
    await eventually(async () => (await status('shop.test')) === 200);
  });
  afterAll(async () => {
    await site.stop();
    await shop.stop();
  });

  const status = async (hostname: string, place?: Place, headers = {}): Promise<number> =>
    (await ask(place ?? site.edge(0).http, hostname, { headers })).status;
  /** Writes the file, tells the process, and waits for what it says of the given key. */
  const change = async (
    service: ConfiguredService,
    configuration: Configuration,
    key: string,
    msg = 'reloaded',
  ): Promise<LogLine> => {
    const before = service.process.log.length;
    service.extend(configuration);
    service.process.signal('SIGHUP');
    return saidSince(service.process, before, msg, key);
  };

  /** The same with an untouched file. */
  const signal = ({ process }: ConfiguredService, msg: string): Promise<LogLine> => {
    const before = process.log.length;
    process.signal('SIGHUP');
    return eventually(() =>
      process.log.slice(before).find((line) => line.msg === msg && line['cause'] === 'SIGHUP'),
    );
  };

  it('a router: routes of the file come, change and go, without a word from anybody else', async () => {
    const { service } = site.router(0);
    const line = await change(service, { routes: [{ hostname: 'new.test', tunnel: SHOP }] }, 'routes');
    expect(line).toMatchObject({ cause: 'SIGHUP', changed: ['routes'] });
    await eventually(async () => (await status('new.test')) === 200 && (await status('shop.test')) === 404);
    await change(service, { routes: [{ hostname: 'shop.test', tunnel: SHOP }] }, 'routes');
    await eventually(async () => (await status('shop.test')) === 200 && (await status('new.test')) === 404);
  });

  it('a router: tunnels of the file come and go with their sessions', async () => {
    const { service } = site.router(0);
    const ours = { id: SHOP, name: 'shop', token: '${SHOP_TOKEN}' };
    const other = { id: '5d21094e-b74c-4916-86c1-d9fa36ea677b', name: 'other', token: 'other-token' };
    await change(service, { tunnels: [ours, other] }, 'tunnels');
    const configuration = { tunnel: other.id, token: 'other-token', ingress: [{ service: shop.url }] };
    const others = await site.attach(configuration);
    await change(service, { tunnels: [ours] }, 'tunnels');
    await others.process.line('link lost', ({ code }) => code === 'revoked');
    await others.stop('SIGKILL');
    expect(await status('shop.test')).toBe(200);
  });

  it('a broken file is refused as a whole, and the log says where it is broken', async () => {
    const { service } = site.router(0);
    const good = { routes: [{ hostname: 'shop.test', tunnel: SHOP }] };
    const broken = { routes: [{ hostname: 'new.test', tunnel: SHOP }], drainTimeout: 'soon' };
    const line = await change(service, broken, 'drainTimeout', REFUSED);
    expect(line).toMatchObject({ level: 'error' });
    expect(JSON.stringify(line['problems'])).toMatch(/router-1\.yml:\d+: drainTimeout: expected a duration/);
    expect(await status('shop.test')).toBe(200);
    expect(await status('new.test')).toBe(404);
    await change(service, { ...good, drainTimeout: '29s' }, 'drainTimeout');
  });

  it('an edge: limits and time limits hold for what comes from then on', async () => {
    const { service, http } = site.edge(0);
    const headers = { 'x-long': 'x'.repeat(8_000) };
    expect(await status('shop.test', http, headers)).toBe(200);
    await change(service, { limits: { headerSize: '4KiB' }, timeouts: { head: '200ms' } }, 'limits');
    expect(await status('shop.test', http, headers)).toBe(431);
    await change(service, { limits: {}, timeouts: {} }, 'limits');
    expect(await status('shop.test', http, headers)).toBe(200);
  });

  it('an edge: entry points open and close, and their running connections are kept', async () => {
    const { service, http } = site.edge(0);
    const added = { host: http.host, port: await freePort() };
    await change(service, { entryPoints: [{ listen: at(http) }, { listen: at(added) }] }, 'entryPoints');
    expect(await status('shop.test', added)).toBe(200);
    const kept = keptConnections(1);
    const events = await open(added, 'shop.test', { path: '/events', agent: kept });
    await change(service, { entryPoints: [{ listen: at(http) }] }, 'entryPoints');
    await expect(ask(added, 'shop.test')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await eventually(() => shop.listeners > 0);
    shop.emit('after the listener has gone');
    const [chunk] = (await once(events, 'data')) as [Buffer];
    expect(chunk.toString()).toContain('after the listener has gone');
    events.destroy();
    expect(await status('shop.test')).toBe(200);
  });

  it('an edge: a port that is taken refuses the file, and what else it says is not applied', async () => {
    const { service, http } = site.edge(0);
    const squatter = createServer().listen(0, http.host);
    await once(squatter, 'listening');
    const taken = { host: http.host, port: (squatter.address() as AddressInfo).port };
    const entryPoints = [{ listen: at(http) }, { listen: at(taken) }];
    const limits = { headerSize: '4KiB' };
    const line = await change(service, { entryPoints, limits }, 'entryPoints', REFUSED);
    expect(JSON.stringify(line['problems'])).toMatch(/edge-1\.yml:\d+: entryPoints: .*is in use/);
    expect(await status('shop.test', http, { 'x-long': 'x'.repeat(8_000) })).toBe(200);
    squatter.close();
    // As it was, so that there is nothing to do.
    await change(service, { entryPoints: [{ listen: at(http) }], limits: {} }, '');
  });

  it('names what needs a restart, and applies the rest', async () => {
    const { service } = site.edge(0);
    const limits = { headerCount: 64 };
    const line = await change(service, { region: 'elsewhere', limits }, 'region', 'needs a restart');
    expect(line).toMatchObject({ level: 'warn', keys: ['region'] });
    await service.process.line('reloaded', ({ changed }) => String(changed) === 'limits.headerCount');
    expect(await site.list('edges')).toMatchObject([{ id: 'edge-1', region: 'region-1' }]);
    await change(service, { region: 'region-1', limits: {} }, 'limits');
  });

  it('an agent: new rules hold for new requests, and running ones stay with their service', async () => {
    const other = await LocalService.start('other');
    const events = await open(site.edge(0).http, 'shop.test', { path: '/events' });
    await change(agent, { ingress: [{ service: other.url }] }, 'ingress');
    expect((await ask(site.edge(0).http, 'shop.test')).headers['x-service']).toBe('other');
    shop.emit('from the former service');
    const [chunk] = (await once(events, 'data')) as [Buffer];
    expect(chunk.toString()).toContain('from the former service');
    events.destroy();
    await change(agent, { ingress: [{ service: shop.url }] }, 'ingress');
    expect((await ask(site.edge(0).http, 'shop.test')).headers['x-service']).toBe('shop');
    await other.stop();
  });

  it('an agent: files that its rules name are read again, and all of them or none', async () => {
    const folder = join(site.folder, 'service');
    mkdirSync(folder);
    const [ours, theirs] = [new Authority(folder, 'ours'), new Authority(folder, 'theirs')];
    const { cert, key } = ours.issue('service', 'IP:127.0.0.1');
    const secure = createSecureServer(
      { cert: readFileSync(cert), key: readFileSync(key) },
      // A kept connection would not be verified again.
      (_, response) => response.writeHead(200, { connection: 'close' }).end(),
    );
    secure.listen(0, '127.0.0.1');
    await once(secure, 'listening');
    onTestFinished(() => void secure.close());
    const ca = join(folder, 'ca.pem');
    const use = (pem: string): void => writeFileSync(ca, pem);
    const rule = { service: `https://127.0.0.1:${(secure.address() as AddressInfo).port}`, tls: { ca } };

    use(ours.pem);
    await change(agent, { ingress: [rule] }, 'ingress');
    expect(await status('shop.test')).toBe(200);
    use(theirs.pem);
    await signal(agent, 'reloaded');
    expect(await status('shop.test')).toBe(502);
    use(ours.pem);
    await signal(agent, 'reloaded');
    expect(await status('shop.test')).toBe(200);
    rmSync(ca);
    const { problems } = await signal(agent, REFUSED);
    expect(String(problems)).toMatch(/agent-1\.yml:\d+: ingress: .*ca\.pem: ENOENT/);
    expect(await status('shop.test')).toBe(200);

    use(ours.pem);
    await change(agent, { ingress: [{ service: shop.url }] }, 'ingress');
    expect(await status('shop.test')).toBe(200);
  });

  it('an agent: attaches anew where its links change, while every request is served', async () => {
    const events = await open(site.edge(0).http, 'shop.test', { path: '/events' });
    let asking = true;
    const statuses = new Set<number>();
    const load = (async () => {
      while (asking) statuses.add(await status('shop.test'));
    })();
    const attached = agent.process.log.filter(({ msg }) => msg === 'link attached').length;
    await change(agent, { links: 3 }, 'links');
    await eventually(
      () => agent.process.log.filter(({ msg }) => msg === 'link attached').length === attached + 3,
    );
    await eventually(async () => {
      const sessions = await site.list<{ links: number; draining: boolean }>('sessions');
      return sessions.some(({ links, draining }) => links === 3 && !draining);
    });
    asking = false;
    await load;
    expect([...statuses]).toEqual([200]);
    shop.emit('over a link of before');
    const [chunk] = (await once(events, 'data')) as [Buffer];
    expect(chunk.toString()).toContain('over a link of before');
    events.destroy();
  });

  it('an agent: what cannot attach does not cost the links that it has', async () => {
    await change(agent, { token: 'wrong' }, 'token');
    await agent.process.line('edge refused the link');
    expect(await status('shop.test')).toBe(200);
    await change(agent, { token: '${SHOP_TOKEN}' }, 'token');
    await eventually(async () => (await site.list('sessions')).length === 1);
    expect(await status('shop.test')).toBe(200);
  });

  it('is reloaded when another file is renamed over its own, without a signal', async () => {
    const { service } = site.router(0);
    const before = service.process.log.length;
    const draft = `${service.file}.draft`;
    service.extend({});
    const text = `${readFileSync(service.file, 'utf8')}log: {"level":"debug"}\n`;
    writeFileSync(draft, text);
    renameSync(draft, service.file);
    const line = await saidSince(service.process, before, 'reloaded', 'log');
    expect(line).toMatchObject({ cause: 'file changed', changed: ['log'] });
  });
});

describe('"culvert up" with a file', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'culvert-reload-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('takes over what the file says of its edge and its router', async () => {
    const file = join(folder, 'up.yml');
    const [http, agents, admin] = [await freePort(), await freePort(), await freePort()];
    const write = (routes: readonly object[], headerSize: string): void => {
      const edge = {
        entryPoints: [{ listen: `127.0.0.1:${http}` }],
        agents: { listen: `127.0.0.1:${agents}` },
        limits: { headerSize },
      };
      writeFileSync(
        file,
        JSON.stringify({ edge, router: { admin: { listen: `127.0.0.1:${admin}` }, routes } }),
      );
    };
    const demo = { hostname: 'one.localhost', tunnel: SHOP };
    write([demo], '32KiB');
    const service = new CulvertProcess(['up', '--config', file], { XDG_CONFIG_HOME: folder });
    await service.ready();
    write([demo, { hostname: 'two.localhost', tunnel: SHOP }], '4KiB');
    service.signal('SIGHUP');
    const { changed } = await service.line('reloaded');
    expect(changed).toEqual(['edge.limits.headerSize', 'router.routes']);
    const place = { host: '127.0.0.1', port: http };
    expect((await ask(place, 'two.localhost')).status).toBe(503);
    expect((await ask(place, 'two.localhost', { headers: { long: 'x'.repeat(8_000) } })).status).toBe(431);
    expect(await service.stop()).toEqual({ status: 0, signal: null });
  });
});

/** A line of this kind, logged after the given number of lines, that names the key. */
async function saidSince(
  process: CulvertProcess,
  before: number,
  msg: string,
  key: string,
): Promise<LogLine> {
  const find = (): LogLine | undefined =>
    process.log
      .slice(before)
      .find(
        (line) =>
          line.msg === msg && JSON.stringify([line['changed'], line['keys'], line['problems']]).includes(key),
      );
  try {
    await eventually(() => find() !== undefined, { timeoutMs: 20_000 });
  } catch (cause) {
    throw new Error(`not said: ${msg} (${key})\n${process.stdout.slice(-2_000)}`, { cause });
  }
  return find()!;
}
