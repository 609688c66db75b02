import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CulvertProcess, eventually, freePort } from '@culvert/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MIB, receiveBulk } from './testing/bulk.ts';
import { ask, open } from './testing/http-client.ts';
import type { Place } from './testing/http-client.ts';
import { at } from './testing/installation.ts';
import { LocalService } from './testing/local-service.ts';
import type { Echo } from './testing/local-service.ts';
import { WireClient } from './testing/wire-client.ts';

const DOWNLOAD = 128 * MIB;

describe('"culvert up"', () => {
  let home = '';
  let env: NodeJS.ProcessEnv;
  let http: Place;
  let agents: Place;
  let admin: Place;
  let up: CulvertProcess;
  let app: LocalService;

  const place = async (): Promise<Place> => ({ host: '127.0.0.1', port: await freePort() });
  const start = async (): Promise<void> => {
    up = new CulvertProcess(['up', '--http', at(http), '--agents', at(agents), '--admin', at(admin)], env);
    await up.ready();
    await eventually(() => up.stdout.includes('culvert is up.'));
  };
  const statusOf = async (hostname: string): Promise<number> => (await ask(http, hostname)).status;

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'culvert-home-'));
    env = { XDG_CONFIG_HOME: home };
    [http, agents, admin] = [await place(), await place(), await place()];
    app = await LocalService.start('app');
    await start();
  });
  afterAll(async () => {
    await up.stop('SIGKILL');
    await app.stop();
    rmSync(home, { recursive: true });
  });

  it('prints what to try, and the demo answers through a real agent link', async () => {
    const [command] = /curl -H 'Host: demo\.localhost' http:\S+/.exec(up.stdout) ?? [];
    expect(command).toContain(`http://${at(http)}/`);
    const { status, text } = await ask(http, 'demo.localhost');
    expect(status).toBe(200);
    expect(text).toContain('Hello from behind the tunnel');
    expect(text.toLowerCase()).toContain('x-forwarded-for: 127.0.0.1');
  });

  it('keeps its tokens in a file that nobody else can read', () => {
    const file = join(home, 'culvert', 'up.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const { agentToken } = JSON.parse(readFileSync(file, 'utf8')) as { agentToken: string };
    expect(up.stdout).toContain(agentToken);
  });

  it('says that it is ready once, when everything is', () => {
    expect(up.log.filter(({ msg }) => msg === 'ready')).toHaveLength(1);
  });

  it('serves health, readiness, metrics and the API on its admin address', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics'])
      expect([path, (await ask(admin, 'admin', { path })).status]).toEqual([path, 200]);
    expect((await ask(admin, 'admin', { path: '/metrics' })).text).toContain('culvert_edge_requests_total');
    expect((await ask(admin, 'admin', { path: '/api/v1/tunnels' })).status).toBe(401);
  });

  it('makes a local service public by "culvert http" without any further flag', async () => {
    const tunnel = new CulvertProcess(['http', `${app.port}`, '--hostname', 'app.localhost'], env);
    await tunnel.ready();
    await eventually(() => tunnel.stdout.includes(`http://app.localhost:${http.port}/`));
    const { text } = await ask(http, 'app.localhost', { path: '/hello' });
    expect(JSON.parse(text) as Echo).toMatchObject({ service: 'app', url: '/hello' });
    const answer = await open(http, 'app.localhost', { path: `/bytes/${DOWNLOAD}` });
    expect(await receiveBulk(answer)).toBe(DOWNLOAD);
    expect(await tunnel.stop('SIGINT')).toEqual({ status: 0, signal: null });
    await eventually(async () => (await statusOf('app.localhost')) === 503);
  });

  it('makes a local TCP service public by "culvert tcp"', async () => {
    const echo = createServer((socket) => socket.pipe(socket));
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
    const port = await freePort();
    const tunnel = new CulvertProcess(['tcp', `${portOf(echo)}`, '--port', `${port}`], env);
    await tunnel.ready();
    const client = await eventually(() => WireClient.open({ host: '127.0.0.1', port }));
    client.send('there and back');
    await client.until(/^there and back$/);
    client.socket.end();
    await client.untilClosed();
    await tunnel.stop();
    echo.close();
  });

  it.each([
    ['a hostname that its token may not claim', ['http', '1', '--hostname', 'bank.example'], 'bank.example'],
    ['a port that its token may not claim', ['tcp', '1', '--port', '22'], 'port 22'],
    ['a wrong token', ['http', '1', '--hostname', 'app.localhost', '--token', 'wrong'], ''],
  ])('refuses %s in one line, with status 1', async (_, args, text) => {
    const tunnel = new CulvertProcess(args, env);
    expect((await tunnel.ended).status).toBe(1);
    expect(tunnel.stderr.trim().split('\n')).toHaveLength(1);
    expect(tunnel.stderr).toContain(text);
  });

  it('says what is missing where "culvert http" has no token', async () => {
    const tunnel = new CulvertProcess(['http', '1', '--hostname', 'a.localhost'], {
      XDG_CONFIG_HOME: '/nowhere',
    });
    expect((await tunnel.ended).status).toBe(2);
    expect(tunnel.stderr).toContain('no token');
  });

  it('is found again by its agents after a restart, with the token of before', async () => {
    const tunnel = new CulvertProcess(['http', `${app.port}`, '--hostname', 'app.localhost'], env);
    await tunnel.ready();
    expect(await up.stop()).toEqual({ status: 0, signal: null });
    await start();
    await eventually(async () => (await statusOf('app.localhost')) === 200, { timeoutMs: 20_000 });
    await tunnel.stop();
  });

  it('tells who holds its port', async () => {
    const second = new CulvertProcess(
      ['up', '--http', at(http), '--agents', at(await place()), '--admin', at(await place())],
      env,
    );
    expect((await second.ended).status).toBe(1);
    expect(second.stderr).toContain(`${at(http)} is in use`);
    expect(await statusOf('demo.localhost')).toBe(200);
  });
});

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
