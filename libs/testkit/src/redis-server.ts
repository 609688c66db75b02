import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServerProcess } from './server-process.ts';

/** A running redis-server. Keeps nothing on disk, so that it is empty after a restart. */
export interface RedisServer {
  readonly process: ServerProcess;
  readonly url: string;
  /** Ends the process and removes its folder. */
  remove(): Promise<void>;
}

/** Starts redis-server on a free loopback port; `args` are added to its command line. */
export async function startRedis(
  options: { readonly args?: readonly string[]; readonly port?: number } = {},
): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'culvert-redis-'));
  const server = await ServerProcess.start(
    {
      command: 'redis-server',
      args: (port) => [
        ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder],
        ...['--save', '', '--appendonly', 'no', ...(options.args ?? [])],
      ],
      greeting: 'PING\r\n',
      expect: '+PONG',
    },
    options.port,
  );
  return {
    process: server,
    url: `redis://127.0.0.1:${server.port}`,
    async remove() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
