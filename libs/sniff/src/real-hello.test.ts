import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { connect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { sniff } from './index.ts';
import type { Verdict } from './index.ts';

/** The verdict on what `client` sends first to a loopback port, and in how many pieces it was asked for. */
async function verdictOn(client: (port: number) => { stop(): void }): Promise<Verdict> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const running = client((server.address() as AddressInfo).port);
  const [socket] = (await once(server, 'connection')) as [Socket];
  let bytes = Buffer.alloc(0);
  let verdict: Verdict = sniff(bytes, 0);
  for await (const chunk of socket) {
    bytes = Buffer.concat([bytes, chunk as Buffer]);
    if (verdict.kind === 'need-more' && bytes.length < verdict.atLeast) continue;
    verdict = sniff(bytes, bytes.length);
    if (verdict.kind !== 'need-more') break;
  }
  running.stop();
  socket.destroy();
  server.close();
  return verdict;
}

function command(name: string, ...args: readonly string[]) {
  const child = spawn(name, args, { stdio: ['pipe', 'ignore', 'ignore'] });
  return { stop: () => void child.kill() };
}

describe('the ClientHello of a real client', () => {
  it('node:tls', async () => {
    const verdict = await verdictOn((port) => {
      const socket = connect({
        port,
        host: '127.0.0.1',
        servername: 'Shop.Example.com',
        ALPNProtocols: ['h2', 'http/1.1'],
      });
      socket.on('error', () => undefined);
      return { stop: () => socket.destroy() };
    });
    expect(verdict).toEqual({
      kind: 'tls',
      serverName: 'shop.example.com',
      alpn: ['h2', 'http/1.1'],
      ech: false,
    });
  });

  it('node:tls without a name', async () => {
    const verdict = await verdictOn((port) => {
      const socket = connect({ port, host: '127.0.0.1' });
      socket.on('error', () => undefined);
      return { stop: () => socket.destroy() };
    });
    expect(verdict).toEqual({ kind: 'tls', serverName: undefined, alpn: [], ech: false });
  });

  it('openssl s_client, its hello cut into records of 512 bytes', async () => {
    const verdict = await verdictOn((port) =>
      command(
        'openssl',
        ...['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'a.example.com', '-alpn', 'h2,x'],
        ...['-max_send_frag', '512', '-split_send_frag', '512'],
      ),
    );
    expect(verdict).toEqual({ kind: 'tls', serverName: 'a.example.com', alpn: ['h2', 'x'], ech: false });
  });

  it('curl', async () => {
    const verdict = await verdictOn((port) =>
      command(
        'curl',
        '-sk',
        '--resolve',
        `b.example.com:${port}:127.0.0.1`,
        `https://b.example.com:${port}/`,
      ),
    );
    expect(verdict).toMatchObject({ kind: 'tls', serverName: 'b.example.com' });
  });

  it.each([
    ['http1', ['--http1.1']],
    ['http2', ['--http2-prior-knowledge']],
  ])('curl in clear is %s', async (kind, options) => {
    const verdict = await verdictOn((port) => command('curl', '-s', ...options, `http://127.0.0.1:${port}/`));
    expect(verdict).toEqual({ kind });
  });
});
