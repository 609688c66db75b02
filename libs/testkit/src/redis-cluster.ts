import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';
import { redisCli, redisClusterCli } from './redis-cli.ts';
import { startRedis } from './redis-server.ts';
import type { RedisServer } from './redis-server.ts';

const NODES = 3;
/** To agree on who has which slots, ms. */
const AGREE_MS = 30_000;
const MIGRATE_MS = 5_000;

/** Three masters without replicas that share all slots. */
export class RedisCluster {
  readonly nodes: readonly RedisServer[];

  private constructor(nodes: readonly RedisServer[]) {
    this.nodes = nodes;
  }

  static async start(): Promise<RedisCluster> {
    const cluster = new RedisCluster(await Promise.all(Array.from({ length: NODES }, startNode)));
    try {
      await redisClusterCli('create', ...cluster.ports.map((port) => `127.0.0.1:${port}`));
      await cluster.#agree();
    } catch (error) {
      await cluster.remove();
      throw error;
    }
    return cluster;
  }

  get urls(): readonly string[] {
    return this.nodes.map(({ url }) => url);
  }

  get ports(): readonly number[] {
    return this.nodes.map(({ process }) => process.port);
  }

  /**
   * Moves every slot that holds a key of the pattern from one node to another, one after the other, as resharding does.
   * Returns how many.
   */
  async moveSlots(from: number, to: number, pattern = '*'): Promise<number> {
    const keys = (await redisCli(from, 'keys', pattern)).split('\n').filter((key) => key !== '');
    const slots = new Set<string>();
    for (const key of keys) slots.add(await redisCli(from, 'cluster', 'keyslot', key));
    for (const slot of slots) await this.#moveSlot(slot, from, to);
    return slots.size;
  }

  async remove(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.remove()));
  }

  async #moveSlot(slot: string, from: number, to: number): Promise<void> {
    const [fromId, toId] = [await redisCli(from, 'cluster', 'myid'), await redisCli(to, 'cluster', 'myid')];
    await redisCli(to, 'cluster', 'setslot', slot, 'importing', fromId);
    await redisCli(from, 'cluster', 'setslot', slot, 'migrating', toId);
    for (;;) {
      const keys = await redisCli(from, 'cluster', 'getkeysinslot', slot, '100');
      if (keys === '') break;
      const address = ['127.0.0.1', String(to), '', '0', String(MIGRATE_MS)];
      await redisCli(from, 'migrate', ...address, 'replace', 'keys', ...keys.split('\n'));
    }
    // Whoever takes the slot is told first, so that there is always somebody who has it.
    for (const port of [to, from, ...this.ports.filter((port) => port !== to && port !== from)])
      await redisCli(port, 'cluster', 'setslot', slot, 'node', toId);
  }

  #agree(): Promise<unknown> {
    const isOk = async (port: number): Promise<boolean> =>
      (await redisCli(port, 'cluster', 'info')).includes('cluster_state:ok');
    return eventually(async () => (await Promise.all(this.ports.map(isOk))).every(Boolean), {
      timeoutMs: AGREE_MS,
    });
  }
}

async function startNode(): Promise<RedisServer> {
  const bus = await freePort();
  return startRedis({ args: ['--cluster-enabled', 'yes', '--cluster-port', String(bus)] });
}
