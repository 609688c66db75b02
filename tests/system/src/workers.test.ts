import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CulvertProcess, eventually as soon, freePort, startNats } from '@culvert/testkit';
import type { LogLine } from '@culvert/testkit';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import type { ConfiguredService } from './testing/configured-service.ts';
import { FreshLoad } from './testing/fresh-load.ts';
import { ask, open } from './testing/http-client.ts';
import type { Answer } from './testing/http-client.ts';
import { Installation, metric, SHOP } from './testing/installation.ts';
import { LocalService } from './testing/local-service.ts';

const CLIENTS = 8;
/** What a client sends again when its connection breaks, until it lands in a process that lives. */
const REPEATS = 3;
const WORKERS = [1, 2] as const;
/** Links enough that each of the workers has some of them. */
const MANY_LINKS = 8;

/** New processes start, and agents find them, in a second or two; on a busy machine it takes longer. */
const PATIENCE = { timeoutMs: 20_000 };
const eventually = (happened: () => unknown): Promise<unknown> => soon(happened, PATIENCE);

interface SessionItem {
  readonly edge: string;
  readonly links: number;
}

describe('an edge of two workers', () => {
  let site: Installation;
  let shop: LocalService;
  let agent: ConfiguredService;
  let tcpPort = 0;
  beforeAll(async () => {
    shop = await LocalService.start('shop');
    site = await Installation.start({
      edges: 2,
      routes: [
        { hostname: 'shop.test', tunnel: SHOP },
        { port: (tcpPort = await freePort()), tunnel: SHOP },
      ],
      edge: { drainDelay: '300ms', drainTimeout: '15s', workers: 2 },
    });
    agent = await site.attach({ ingress: [{ service: shop.url }] });
    await eventually(async () => (await ask(site.edge(0).http, 'shop.test')).status === 200);
  });
  afterAll(async () => {
    await site.stop();
    await shop.stop();
  });

  const sum = async (name: string, worker?: number): Promise<number> =>
    metric(site.edge(0).admin, name, worker === undefined ? '' : `worker="${worker}"`);
  const counts = (name: string): Promise<number[]> => Promise.all(WORKERS.map((worker) => sum(name, worker)));
  /** Asks over fresh connections until each of the workers has got some; resolves with all statuses that came. */
  const askBoth = async (asking = (): Promise<Answer> => ask(site.edge(0).http, 'shop.test')) => {
    const names = ['culvert_edge_requests_total', 'culvert_edge_raw_streams_total'];
    const all = async (): Promise<number[]> => {
      const [requests = [], raw = []] = await Promise.all(names.map(counts));
      return requests.map((count, at) => count + (raw[at] ?? 0));
    };
    const before = await all();
    const statuses = new Set<number>();
    await eventually(async () => {
      statuses.add((await asking()).status);
      return (await all()).every((count, at) => count > (before[at] ?? 0));
    });
    return [...statuses];
  };
  const sessions = (): Promise<SessionItem[]> => site.list<SessionItem>('sessions');
  const bothHold = async (): Promise<boolean> => {
    const edges = (await sessions()).map(({ edge }) => edge);
    return edges.includes('edge-1/1') && edges.includes('edge-1/2');
  };
  const pid = (worker: number): number => {
    const { log } = site.edge(0).service.process;
    const line = log.findLast((each) => each.msg === 'worker ready' && each['worker'] === worker);
    return Number(line?.['pid']);
  };

  it('shares the requests among them, and those without the agent relay to the other', async () => {
    expect(await askBoth()).toEqual([200]);
    await eventually(async () => (await sessions()).length === 1);
    const [session] = await sessions();
    const holder = session?.edge === 'edge-1/1' ? 1 : 2;
    const other = 3 - holder;
    const asked = await sum('culvert_edge_requests_total', other);
    expect(await sum('culvert_edge_relayed_out_total', other)).toBe(asked);
    expect(await sum('culvert_edge_relayed_in_total', holder)).toBe(asked);
    expect(await sum('culvert_edge_relayed_out_total', holder)).toBe(0);
  });

  it('answers for all of them at its admin address', async () => {
    const { admin } = site.edge(0);
    for (const path of ['/healthz', '/readyz'])
      expect((await ask(admin, 'admin', { path })).text).toBe('ok\n');
    expect(await sum('culvert_edge_workers')).toBe(2);
    expect(await sum('culvert_edge_sessions')).toBe(1);
    const { workers } = JSON.parse((await ask(admin, 'admin', { path: '/status' })).text) as {
      readonly workers: readonly { readonly edge: string }[];
    };
    expect(workers.map(({ edge }) => edge)).toEqual(['edge-1/1', 'edge-1/2']);
  });

  it('carries WebSockets from one worker through the other', async () => {
    const { http } = site.edge(0);
    const relayed = await sum('culvert_edge_relayed_out_total');
    const webSockets: WebSocket[] = [];
    await eventually(async () => {
      const webSocket = new WebSocket(`ws://${http.host}:${http.port}/`, { headers: { host: 'shop.test' } });
      await once(webSocket, 'open');
      webSockets.push(webSocket);
      return (await sum('culvert_edge_relayed_out_total')) > relayed;
    });
    for (const webSocket of webSockets) {
      webSocket.send('hello');
      const [echo] = (await once(webSocket, 'message')) as [Buffer];
      expect(echo.toString()).toBe('hello');
      webSocket.close();
    }
  });

  it('takes TCP connections for a route by port at both', async () => {
    const tcp = { host: site.edge(0).http.host, port: tcpPort };
    await agent.stop();
    const ingress = [
      { hostname: 'shop.test', service: shop.url },
      { service: `tcp://127.0.0.1:${shop.port}` },
    ];
    agent = await site.attach({ ingress });
    expect(await askBoth(() => ask(tcp, 'any.test'))).toEqual([200]);
    expect(await sum('culvert_edge_raw_streams_total')).toBeGreaterThan(1);
  });

  it('is one edge to agents, whose links spread over edges, and one each to routers', async () => {
    await eventually(async () => {
      const edges = await site.list<{ id: string }>('edges');
      return (
        edges
          .map(({ id }) => id)
          .sort()
          .join() === 'edge-1/1,edge-1/2,edge-2/1,edge-2/2'
      );
    });
    await agent.stop();
    agent = await site.attach({ ingress: [{ service: shop.url }], links: MANY_LINKS });
    await eventually(async () => {
      const links = new Map<string, number>();
      for (const session of await sessions()) {
        const name = session.edge.split('/')[0] ?? '';
        links.set(name, (links.get(name) ?? 0) + session.links);
      }
      return links.get('edge-1') === MANY_LINKS / 2 && links.get('edge-2') === MANY_LINKS / 2;
    });
    const named = agent.process.log.filter(({ msg }) => msg === 'link attached');
    expect(new Set(named.map((line) => line['edge']))).toEqual(new Set(['edge-1', 'edge-2']));
  });

  it('SIGHUP changes all of them, or none', async () => {
    const { service, http } = site.edge(0);
    const long = { headers: { 'x-long': 'x'.repeat(8_000) } };
    await changed(service, { limits: { headerSize: '4KiB' } }, 'reloaded');
    for (let n = 0; n < 10; n++) expect((await ask(http, 'shop.test', long)).status).toBe(431);
    const refused = await changed(
      service,
      { limits: { headerSize: 'small' } },
      'configuration refused; the former one stays in force',
    );
    for (const line of refused) expect(JSON.stringify(line['problems'])).toMatch(/limits\.headerSize/);
    for (let n = 0; n < 10; n++) expect((await ask(http, 'shop.test', long)).status).toBe(431);
    await changed(service, { limits: {} }, 'reloaded');
    for (let n = 0; n < 10; n++) expect((await ask(http, 'shop.test', long)).status).toBe(200);
  });

  it('a worker that is killed is started again, and whoever asks again is served meanwhile', async () => {
    const more = await site.attach({ ingress: [{ service: shop.url }], links: MANY_LINKS * 2 });
    await eventually(bothHold);
    const { service, http } = site.edge(0);
    const load = new FreshLoad(http, 'shop.test', CLIENTS, REPEATS);
    await eventually(() => load.answered > 100);
    const killed = pid(1);
    process.kill(killed, 'SIGKILL');
    await service.process.line('worker gone', (line) => line['pid'] === killed);
    await eventually(() => pid(1) !== killed);
    const during = load.answered;
    await eventually(() => load.answered > during + 100);
    expect(await load.stop()).toEqual({});
    expect(await sum('culvert_edge_worker_restarts_total')).toBe(1);
    await eventually(async () => {
      const links = (await sessions()).filter(({ edge }) => edge.startsWith('edge-1/'));
      return links.reduce((total, session) => total + session.links, 0) === MANY_LINKS * 1.5;
    });
    expect(await askBoth()).toEqual([200]);
    await more.stop();
  });

  it('SIGUSR2 replaces each of them, and no connection is refused or lost', async () => {
    const { service, http, admin } = site.edge(0);
    const before = WORKERS.map(pid);
    const webSockets = await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        const webSocket = new WebSocket(`ws://${http.host}:${http.port}/`, {
          headers: { host: 'shop.test' },
        });
        await once(webSocket, 'open');
        return webSocket;
      }),
    );
    const load = new FreshLoad(http, 'shop.test', CLIENTS);
    await eventually(() => load.answered > 100);
    service.process.signal('SIGUSR2');
    const handedOver = (): LogLine[] => service.process.log.filter(({ msg }) => msg === 'handed over');
    await eventually(() => handedOver().length === 2);
    for (const webSocket of webSockets) {
      webSocket.send('during the change');
      const [echo] = (await once(webSocket, 'message')) as [Buffer];
      expect(echo.toString()).toBe('during the change');
      webSocket.close();
    }
    await eventually(() => before.every((one) => !isAlive(one)));
    const during = load.answered;
    await eventually(() => load.answered > during + 100);
    expect(await load.stop()).toEqual({});
    expect(service.process.alive).toBe(true);
    expect(WORKERS.map(pid).sort()).toEqual(
      handedOver()
        .map((line) => line['pid'])
        .sort(),
    );
    expect((await ask(admin, 'admin', { path: '/readyz' })).status).toBe(200);
    expect(await askBoth()).toEqual([200]);
  });

  it('SIGUSR2 changes nothing when the next one does not come to work', async () => {
    const { service, http } = site.edge(0);
    const before = WORKERS.map(pid);
    service.extend({ entryPoints: [{ listen: 'nowhere' }] });
    service.process.signal('SIGUSR2');
    const line = await service.process.line('worker failed');
    expect(JSON.stringify(line['reason'])).toContain('entryPoints.0.listen: expected an address');
    await service.process.line('worker is not replaced; it and those after it stay');
    await service.process.line('no other process has taken over; this one goes on');
    service.extend({ entryPoints: [{ listen: `${http.host}:${http.port}` }] });
    expect(WORKERS.map(pid)).toEqual(before);
    expect(await askBoth()).toEqual([200]);
  });

  it('workers whose supervisor is killed leave, and the next one can start at once', async () => {
    const { service, http } = site.edge(0);
    const before = WORKERS.map(pid);
    service.process.signal('SIGKILL');
    await eventually(() => !service.process.alive);
    await service.start();
    await eventually(() => before.every((one) => !isAlive(one)));
    await eventually(async () => (await ask(http, 'shop.test')).status === 200);
  });

  it('SIGTERM drains all of them', async () => {
    const { service, http, admin } = site.edge(0);
    const pids = WORKERS.map(pid);
    const running = Array.from({ length: 4 }, () => ask(http, 'shop.test', { path: '/gate' }));
    await eventually(() => shop.waiting === running.length);
    const ended = service.stop('SIGTERM');
    await eventually(async () => (await ask(admin, 'admin', { path: '/readyz' })).status === 503);
    await eventually(async () => (await refusal(http)) === 'ECONNREFUSED');
    shop.openGate();
    for (const answer of await Promise.all(running)) expect(answer.text).toContain('through the gate');
    expect(await ended).toEqual({ status: 0, signal: null });
    await eventually(() => !pids.some(isAlive));
  });

  const refusal = async (place: Parameters<typeof open>[0]): Promise<string | undefined> => {
    try {
      (await open(place, 'shop.test')).resume();
      return undefined;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code;
    }
  };
  /** Writes the file and tells the process; resolves with what each of the workers says. */
  const changed = async (
    service: ConfiguredService,
    configuration: Parameters<ConfiguredService['extend']>[0],
    msg: string,
  ): Promise<LogLine[]> => {
    const before = service.process.log.length;
    service.extend(configuration);
    service.process.signal('SIGHUP');
    const said = (): LogLine[] => service.process.log.slice(before).filter((line) => line.msg === msg);
    await eventually(() => new Set(said().map((line) => line['worker'])).size === WORKERS.length);
    return said();
  };
});

describe('an edge of several workers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'culvert-workers-test-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const run = async (command: readonly string[], text: string) => {
    const file = join(folder, 'edge.yml');
    writeFileSync(file, text);
    const process = new CulvertProcess([...command, file]);
    const { status } = await process.ended;
    return { status, lines: process.stderr.trim().split('\n'), file };
  };

  it('says that they need NATS, as "culvert check" does', async () => {
    const text = 'id: a\nworkers: 2\nentryPoints: [{ listen: "127.0.0.1:18080" }]\n';
    for (const command of [['edge', '--config'], ['check']]) {
      const { status, lines, file } = await run(command, text);
      expect(status).toBe(2);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toContain(`${file}:2: workers: needs "nats"`);
    }
  });

  it('says that "culvert up" is one process', async () => {
    const { status, lines } = await run(['up', '--config'], 'edge: { workers: 2 }\n');
    expect(status).toBe(2);
    expect(lines.join('\n')).toContain('edge.workers: ');
  });

  it('announces itself to the service manager by the supervisor alone', async () => {
    const nats = await startNats();
    onTestFinished(() => nats.process.stop());
    const [tool, told] = [join(folder, 'systemd-notify'), join(folder, 'told')];
    writeFileSync(tool, `#!/bin/sh\necho "$*" >>'${told}'\n`, { mode: 0o755 });
    const file = join(folder, 'announced.yml');
    const listen = `127.0.0.1:${await freePort()}`;
    writeFileSync(file, `id: a\nnats: "${nats.url}"\nworkers: 2\nentryPoints: [{ listen: "${listen}" }]\n`);
    const env = { PATH: `${folder}:${process.env['PATH']}`, NOTIFY_SOCKET: '/nowhere' };
    const edge = new CulvertProcess(['edge', '--config', file], env);
    await edge.ready();
    await eventually(() => existsSync(told));
    expect(await edge.stop()).toEqual({ status: 0, signal: null });
    expect(readFileSync(told, 'utf8')).toBe(`--ready MAINPID=${edge.pid}\n`);
  });

  it('says that they do not take over from one process, which goes on', async () => {
    const site = await Installation.start();
    onTestFinished(() => site.stop());
    const { service, admin } = site.edge(0);
    service.extend({ workers: 2 });
    service.process.signal('SIGUSR2');
    await service.process.line('no other process has taken over; this one goes on');
    expect(service.process.stderr).toContain('"workers" needs a restart');
    expect((await ask(admin, 'admin', { path: '/readyz' })).status).toBe(200);
  });

  it('says once which address is in use', async () => {
    const nats = await startNats();
    onTestFinished(() => nats.process.stop());
    const taken = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void taken.close());
    await once(taken, 'listening');
    const at = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
    const text = `id: a\nnats: "${nats.url}"\nworkers: 2\nentryPoints: [{ listen: "${at}" }]\n`;
    const { status, lines } = await run(['edge', '--config'], text);
    expect(lines).toEqual([`culvert: entry point: address ${at} is in use by another process`]);
    expect(status).toBe(1);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
