import { RedisRegistry } from '@culvert/registry-redis';
import { CulvertProcess, freePort, startNats, startRedis } from '@culvert/testkit';
import type { NatsServer, RedisServer } from '@culvert/testkit';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SHARED_TOKEN, hostname, tunnelId } from './population.ts';
import type { Size } from './size.ts';

/** Of /proc/PID/stat. */
const TICKS_PER_SECOND = 100;
const ADMIN_TOKEN = 'simulated-administrator';

/** What nats-server tells of itself at /varz. */
export interface NatsCounts {
  readonly in_msgs: number;
  readonly out_msgs: number;
  readonly in_bytes: number;
  readonly out_bytes: number;
  readonly mem: number;
  readonly subscriptions: number;
}

/** CPU seconds used so far. */
export interface Seconds {
  readonly redis: number;
  readonly nats: number;
  readonly routers: number;
}

/** The real control plane: Redis, NATS and routers as processes of their own. */
export class ControlPlane {
  readonly redis: RedisServer;
  readonly nats: NatsServer;
  readonly registry: RedisRegistry;
  readonly #monitor: string;
  readonly #folder: string;
  readonly #routers: readonly CulvertProcess[];

  private constructor(
    redis: RedisServer,
    nats: NatsServer,
    monitor: string,
    folder: string,
    routers: readonly CulvertProcess[],
  ) {
    this.redis = redis;
    this.nats = nats;
    this.#monitor = monitor;
    this.#folder = folder;
    this.#routers = routers;
    this.registry = new RedisRegistry({ redis: redis.url, name: 'simulate' });
  }

  static async start(size: Size): Promise<ControlPlane> {
    const monitor = await freePort();
    const [redis, nats] = await Promise.all([startRedis(), startNats({ args: ['-m', String(monitor)] })]);
    const folder = mkdtempSync(join(tmpdir(), 'culvert-simulate-'));
    const routers: CulvertProcess[] = [];
    for (let n = 0; n < size.routers; n += 1) {
      const file = join(folder, `router-${n}.json`);
      const admin = { listen: `127.0.0.1:${await freePort()}`, token: ADMIN_TOKEN };
      writeFileSync(file, JSON.stringify({ redis: redis.url, nats: nats.url, admin, ...fileItems(size) }));
      const router = new CulvertProcess(['router', '--config', file]);
      routers.push(router);
      await router.line('ready', () => true, 300_000);
    }
    const plane = new ControlPlane(redis, nats, `http://127.0.0.1:${monitor}/varz`, folder, routers);
    await plane.#connected();
    return plane;
  }

  async natsCounts(): Promise<NatsCounts> {
    return (await (await fetch(this.#monitor)).json()) as NatsCounts;
  }

  /** Bytes that Redis has allocated. */
  async redisBytes(): Promise<number> {
    const text = await this.redisCommand('info', 'memory');
    return Number(/^used_memory:(\d+)/m.exec(text)?.[1]);
  }

  async redisCommands(): Promise<number> {
    const text = await this.redisCommand('info', 'stats');
    return Number(/^total_commands_processed:(\d+)/m.exec(text)?.[1]);
  }

  async redisCommand(...command: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)('redis-cli', ['-u', this.redis.url, ...command]);
    return stdout;
  }

  get seconds(): Seconds {
    const routers = this.#routers.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0);
    return {
      redis: cpuSeconds(this.redis.process.pid ?? 0),
      nats: cpuSeconds(this.nats.process.pid ?? 0),
      routers,
    };
  }

  /** Bytes resident in the first router. */
  get routerBytes(): number {
    const status = readFileSync(`/proc/${this.#routers[0]?.pid ?? 0}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
  }

  async stop(): Promise<void> {
    await this.registry.close();
    await Promise.all(this.#routers.map((router) => router.stop('SIGKILL')));
    await Promise.all([this.redis.remove(), this.nats.process.stop()]);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #connected(): Promise<void> {
    if (this.registry.state === 'connected') return Promise.resolve();
    return new Promise((resolve) => {
      const unwatch = this.registry.onState((state) => {
        if (state !== 'connected') return;
        unwatch();
        resolve();
      });
    });
  }
}

/** The last of the hostnames are those of the file. */
function fileItems(size: Size): object {
  const tunnels = Math.ceil(size.sessions / size.sessionsPerTunnel);
  const routes = Array.from({ length: size.fileHostnames }, (_, at) => {
    const n = size.hostnames - 1 - at;
    return { hostname: hostname(n), tunnel: tunnelId(n % tunnels) };
  });
  const tokens = [{ name: 'agents', token: SHARED_TOKEN, tunnels: '*', hostnames: ['.example.net'] }];
  return { routes, tokens };
}

function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [user, system] = fields.slice(11, 13).map(Number);
  return ((user ?? 0) + (system ?? 0)) / TICKS_PER_SECOND;
}
