import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import { createConnection, createServer as createTcpServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { eventually, freePort } from '@culvert/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const LAUNCHER = join(import.meta.dirname, '..', 'bin', 'culvert');

/** A started command and all that it has printed so far. */
class Running {
  readonly child: ChildProcess;
  readonly exited: Promise<unknown[]>;
  output = '';

  constructor(args: readonly string[], env: NodeJS.ProcessEnv) {
    this.child = spawn(LAUNCHER, [...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.exited = once(this.child, 'exit');
    for (const stream of [this.child.stdout, this.child.stderr]) {
      if (stream !== null) createInterface(stream).on('line', (line) => (this.output += `${line}\n`));
    }
  }

  async printed(text: string): Promise<void> {
    await eventually(() => this.output.includes(text), { timeoutMs: 20_000 });
  }

  async stop(): Promise<unknown> {
    this.child.kill('SIGTERM');
    return (await this.exited)[0];
  }
}

describe('"culvert up"', () => {
  const folder = mkdtempSync(join(tmpdir(), 'culvert-up-'));
  const env = { PATH: '/usr/bin:/bin', HOME: folder };
  const started: Running[] = [];
  const local: Server = createServer((_, response) => response.end('local service'));
  let http = 0;
  let up: Running;

  const start = (...args: readonly string[]): Running => {
    const running = new Running(args, env);
    started.push(running);
    return running;
  };
  const get = (host: string): Promise<{ status: number | undefined; text: string }> => {
    return new Promise((resolve, reject) => {
      const sent = request({ port: http, host: '127.0.0.1', headers: { host }, agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode, text }));
      });
      sent.on('error', reject).end();
    });
  };
  const localPort = (): string => String((local.address() as AddressInfo).port);

  beforeAll(async () => {
    local.listen(0, '127.0.0.1');
    http = await freePort();
    const [agents, admin] = [await freePort(), await freePort()];
    const at = (port: number): string => `127.0.0.1:${port}`;
    up = start('up', '--http', at(http), '--agents', at(agents), '--admin', at(admin));
    await up.printed('"msg":"ready"');
  });
  afterAll(async () => {
    local.close();
    for (const { child } of started) child.kill('SIGKILL');
    await Promise.all(started.map(({ exited }) => exited));
    rmSync(folder, { recursive: true });
  });

  it('serves its demo through a real link as soon as it is ready', async () => {
    const { status, text } = await get('demo.localhost');
    expect([status, text.split('\n')[0]]).toEqual([200, 'Hello from behind the tunnel.']);
  });

  it('lets "culvert http" on the same machine make a service public without further flags', async () => {
    const agent = start('http', localPort(), '--hostname', 'app.localhost');
    await agent.printed(`http://app.localhost:${http}/ leads to ${localPort()}`);
    expect(await get('app.localhost')).toEqual({ status: 200, text: 'local service' });
    expect(await agent.stop()).toBe(0);
  });

  it('lets "culvert tcp" open a public port', async () => {
    const echo = createTcpServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
    const port = await freePort();
    const agent = start('tcp', String((echo.address() as AddressInfo).port), '--port', String(port));
    await agent.printed('leads to');
    const echoed = (): Promise<boolean> => {
      return new Promise((resolve) => {
        const socket = createConnection(port, '127.0.0.1', () => socket.write('ping'));
        socket.once('error', () => resolve(false)).once('close', () => resolve(false));
        socket.once('data', (data) => {
          resolve(data.toString() === 'ping');
          socket.destroy();
        });
      });
    };
    await eventually(echoed, { timeoutMs: 10_000 });
    expect(await agent.stop()).toBe(0);
    echo.close();
  });

  it.each([
    ['a wrong token', ['--hostname', 'app.localhost', '--token', 'wrong']],
    ['a name that the token may not claim', ['--hostname', 'app.example.com']],
  ])('refuses %s in one clear line, with status 1', async (_, flags) => {
    const agent = start('http', localPort(), ...flags);
    expect((await agent.exited)[0]).toBe(1);
    await agent.printed('culvert: refused (');
  });

  it('says that its port is taken, with status 1', async () => {
    const second = start(
      'up',
      '--http',
      `127.0.0.1:${http}`,
      '--agents',
      '127.0.0.1:0',
      '--admin',
      '127.0.0.1:0',
    );
    expect((await second.exited)[0]).toBe(1);
    await second.printed(`culvert: entry point: address 127.0.0.1:${http} is in use by another process`);
  });

  it('drains and ends with 0 on SIGTERM', async () => {
    expect(await up.stop()).toBe(0);
  });
});
