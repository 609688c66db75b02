import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startNats, startRedis } from '@culvert/testkit';
import type { NatsServer, RedisServer } from '@culvert/testkit';
import { ConfiguredService } from './configured-service.ts';
import type { Configuration } from './configured-service.ts';
import { ask } from './http-client.ts';
import type { Place } from './http-client.ts';

/** The tunnel that every installation of the tests has from its routers' file. */
export const SHOP = '4d21094e-b74c-4916-86c1-d9fa36ea677b';
export const SHOP_TOKEN = 'shop-token-of-the-tests';
const ADMIN_TOKEN = 'admin-token-of-the-tests';

const ENVIRONMENT = {
  CULVERT_ADMIN_TOKEN: ADMIN_TOKEN,
  CULVERT_CLUSTER_SECRET: 'secret-of-the-tests',
  SHOP_TOKEN,
};

export interface InstallationOptions {
  readonly routers?: number;
  readonly edges?: number;
  readonly tunnels?: readonly Configuration[];
  readonly routes?: readonly Configuration[];
  /** Added to each edge's file. */
  readonly edge?: Configuration;
}

/** An edge with its addresses. */
export interface EdgeNode {
  readonly id: string;
  readonly service: ConfiguredService;
  readonly http: Place;
  readonly agents: Place;
  readonly peers: Place;
  readonly admin: Place;
}

export interface RouterNode {
  readonly service: ConfiguredService;
  readonly admin: Place;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

/**
 * Real processes on loopback: redis-server, nats-server, routers and edges from configuration files, agents as a test
 * adds them. Each edge has a loopback address of its own, so that all of them can bind the same public port.
 */
export class Installation {
  readonly folder: string;
  readonly redis: RedisServer;
  readonly nats: NatsServer;
  readonly routers: RouterNode[] = [];
  readonly edges: EdgeNode[] = [];
  readonly #agents: ConfiguredService[] = [];

  private constructor(folder: string, redis: RedisServer, nats: NatsServer) {
    this.folder = folder;
    this.redis = redis;
    this.nats = nats;
  }

  /** Resolves when all of it can take work. */
  static async start(options: InstallationOptions = {}): Promise<Installation> {
    const folder = mkdtempSync(join(tmpdir(), 'culvert-system-'));
    const [redis, nats] = await Promise.all([startRedis(), startNats()]);
    const site = new Installation(folder, redis, nats);
    const { routers = 1, edges = 1 } = options;
    for (let n = 1; n <= routers; n++) site.routers.push(await site.#router(n, options));
    for (let n = 1; n <= edges; n++) site.edges.push(await site.#edge(n, options));
    try {
      await Promise.all([...site.routers, ...site.edges].map(({ service }) => service.start()));
    } catch (error) {
      await site.stop();
      throw error;
    }
    return site;
  }

  edge(index: number): EdgeNode {
    return this.edges[index] ?? missing(`edge ${index}`);
  }

  router(index: number): RouterNode {
    return this.routers[index] ?? missing(`router ${index}`);
  }

  /** Not started yet. By default it serves SHOP and dials the first edge alone. */
  agent(configuration: Configuration & { readonly ingress: unknown }): ConfiguredService {
    const file = { folder: this.folder, name: `agent-${this.#agents.length + 1}` };
    const { host, port } = this.edge(0).agents;
    const defaults = { tunnel: SHOP, token: '${SHOP_TOKEN}', edges: [`${host}:${port}`], links: 1 };
    const agent = new ConfiguredService('agent', file, { ...defaults, ...configuration }, ENVIRONMENT);
    this.#agents.push(agent);
    return agent;
  }

  /** The same, attached already. */
  async attach(configuration: Configuration & { readonly ingress: unknown }): Promise<ConfiguredService> {
    const agent = this.agent(configuration);
    await agent.start();
    return agent;
  }

  /** A request to the REST API as the administrator makes it. */
  async api(method: string, path: string, body?: unknown, router = 0): Promise<ApiAnswer> {
    const answer = await ask(this.router(router).admin, 'admin', {
      method,
      path: `/api/v1${path}`,
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return {
      status: answer.status,
      body: answer.text === '' ? undefined : (JSON.parse(answer.text) as unknown),
    };
  }

  /** What a listing of the API holds now: `edges`, `sessions`, `tunnels` or `routes`. */
  async list<Item>(what: string, router = 0): Promise<Item[]> {
    const { body } = await this.api('GET', `/${what}`, undefined, router);
    return (body as Readonly<Record<string, Item[]>>)[what] ?? [];
  }

  async stop(): Promise<void> {
    const services = [...this.#agents, ...this.edges.map(({ service }) => service)];
    services.push(...this.routers.map(({ service }) => service));
    // Nothing is left to finish, and a graceful end of all would only take time.
    await Promise.all(services.filter(({ started }) => started).map((service) => service.stop('SIGKILL')));
    await Promise.all([this.redis.remove(), this.nats.process.stop()]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #router(n: number, { tunnels = [], routes = [] }: InstallationOptions): Promise<RouterNode> {
    const admin = { host: '127.0.0.1', port: await freePort() };
    const shop = { id: SHOP, name: 'shop', token: '${SHOP_TOKEN}' };
    const configuration = {
      redis: this.redis.url,
      nats: this.nats.url,
      admin: { listen: at(admin), token: '${CULVERT_ADMIN_TOKEN}' },
      tunnels: [shop, ...tunnels],
      routes,
    };
    return { admin, service: this.#service('router', `router-${n}`, configuration) };
  }

  async #edge(n: number, { edge = {} }: InstallationOptions): Promise<EdgeNode> {
    const host = `127.0.0.${n}`;
    const id = `edge-${n}`;
    const place = async (): Promise<Place> => ({ host, port: await freePort() });
    const [http, agents, admin] = [await place(), await place(), await place()];
    // Where the ports that follow are free for further workers.
    const peers = { host: `127.0.1.${n}`, port: await freePort() };
    const configuration = {
      id,
      region: `region-${n}`,
      nats: this.nats.url,
      secret: '${CULVERT_CLUSTER_SECRET}',
      entryPoints: [{ listen: at(http) }],
      agents: { listen: at(agents) },
      peers: { listen: at(peers) },
      admin: { listen: at(admin) },
      ...edge,
    };
    return { id, http, agents, peers, admin, service: this.#service('edge', id, configuration) };
  }

  #service(kind: 'router' | 'edge', name: string, configuration: Configuration): ConfiguredService {
    return new ConfiguredService(kind, { folder: this.folder, name }, configuration, ENVIRONMENT);
  }
}

/** As a configuration file writes an address. */
export function at({ host, port }: Place): string {
  return `${host}:${port}`;
}

/** The sum of a metric's samples whose labels contain the text. */
export async function metric(admin: Place, name: string, labels = ''): Promise<number> {
  const { text } = await ask(admin, 'admin', { path: '/metrics' });
  const samples = text.split('\n').filter((line) => line.startsWith(name) && line.includes(labels));
  const values = samples.filter((line) => /^[ {]/.test(line.slice(name.length)));
  return values.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

function missing(what: string): never {
  throw new Error(`the installation has no ${what}`);
}
