import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.ts';
import { redisCli } from './redis-cli.ts';
import { startRedis } from './redis-server.ts';
import type { RedisServer } from './redis-server.ts';
import { ServerProcess } from './server-process.ts';

const DOWN_AFTER_MS = 500;
const FAILOVER_TIMEOUT_MS = 3_000;
const REPLICATE_MS = 15_000;

/** A master with a replica, and a sentinel that makes the one the other when it dies. */
export class RedisSentinels {
  /** What the sentinel calls the master, whichever it is. */
  readonly name = 'main';
  /** The master of the beginning, and its replica. */
  readonly master: RedisServer;
  readonly replica: RedisServer;
  readonly sentinel: ServerProcess;
  readonly #folder: string;

  private constructor(master: RedisServer, replica: RedisServer, sentinel: ServerProcess, folder: string) {
    this.master = master;
    this.replica = replica;
    this.sentinel = sentinel;
    this.#folder = folder;
  }

  /** Resolves when the replica has all that the master has. */
  static async start(): Promise<RedisSentinels> {
    const master = await startRedis();
    const { port } = master.process;
    const replica = await startRedis({ args: ['--replicaof', '127.0.0.1', String(port)] });
    const folder = mkdtempSync(join(tmpdir(), 'culvert-sentinel-'));
    const sentinel = await startSentinel(folder, port);
    const all = new RedisSentinels(master, replica, sentinel, folder);
    await eventually(async () => (await redisCli(port, 'info', 'replication')).includes('state=online'), {
      timeoutMs: REPLICATE_MS,
    });
    return all;
  }

  get addresses(): readonly string[] {
    return [`127.0.0.1:${this.sentinel.port}`];
  }

  /** The port of whoever is the master now, as the sentinel knows it. */
  async masterPort(): Promise<number> {
    const answer = await redisCli(this.sentinel.port, 'sentinel', 'get-master-addr-by-name', this.name);
    return Number(answer.split('\n')[1]);
  }

  async remove(): Promise<void> {
    await this.sentinel.stop();
    await Promise.all([this.master.remove(), this.replica.remove()]);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function startSentinel(folder: string, master: number): Promise<ServerProcess> {
  const file = join(folder, 'sentinel.conf');
  const lines = [
    'bind 127.0.0.1',
    `dir ${folder}`,
    `sentinel monitor main 127.0.0.1 ${master} 1`,
    `sentinel down-after-milliseconds main ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout main ${FAILOVER_TIMEOUT_MS}`,
    '',
  ];
  writeFileSync(file, lines.join('\n'));
  return ServerProcess.start({
    command: 'redis-server',
    args: (port) => [file, '--sentinel', '--port', String(port)],
    greeting: 'PING\r\n',
    expect: '+PONG',
  });
}
