import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfiguredService, TcpProxy } from '@culvert/testkit';
import type { Configuration, RedisCluster, RedisSentinels, RedisServer } from '@culvert/testkit';
import { CheckedService } from '../checked-service.ts';
import type { Front } from '../fronts.ts';
import { Ledger } from '../ledger.ts';
import { at, freePlace } from '../place.ts';
import type { Place } from '../place.ts';
import { HERD_TUNNELS, TUNNELS } from './plan.ts';
import type { AgentPlan, EdgePlan, SitePlan } from './plan.ts';
import { SignalBus } from './signal-bus.ts';
import { serversOf, settingOf, startStore } from './store.ts';
import type { Store } from './store.ts';

/** All at once on a machine that does other things. */
const START_MS = 60_000;
const ADMIN_TOKEN = 'admin-token-of-the-chaos';
const ENVIRONMENT = {
  CULVERT_ADMIN_TOKEN: ADMIN_TOKEN,
  CULVERT_CLUSTER_SECRET: 'secret-of-the-chaos',
  TOKEN_OF_SHOP: 'token-of-the-shop',
  TOKEN_OF_WIKI: 'token-of-the-wiki',
};

/** A culvert process with what stands between it and others. */
export interface EdgeNode extends Front, EdgePlan {
  /** Where agents arrive, without the path that stands before it. */
  readonly agents: Place;
  readonly service: ConfiguredService;
  readonly paths: {
    /** From agents, and from other edges, to this one. */
    readonly agents: TcpProxy;
    readonly peers: TcpProxy;
    /** To each NATS server that it may use. */
    readonly nats: readonly TcpProxy[];
  };
}

export interface RouterNode {
  readonly region: string;
  readonly service: ConfiguredService;
  readonly admin: Place;
  /** To Redis where it is one server. */
  readonly paths: { readonly redis: readonly TcpProxy[]; readonly nats: readonly TcpProxy[] };
}

export interface AgentNode extends AgentPlan {
  readonly service: ConfiguredService;
  readonly admin: Place;
  /** The local service that it leads to. */
  readonly local: CheckedService;
}

export const HOSTNAMES = { shop: 'shop.test', wiki: 'wiki.test' } as const;

/** An installation of real processes on loopback with a `TcpProxy` in every path between them. */
export class Site {
  readonly plan: SitePlan;
  readonly ledger = new Ledger();
  readonly store: Store;
  readonly bus: SignalBus;
  readonly routers: RouterNode[] = [];
  readonly edges: EdgeNode[] = [];
  readonly agents: AgentNode[] = [];
  readonly #folder: string;
  readonly #paths: TcpProxy[] = [];

  private constructor(plan: SitePlan, folder: string, store: Store, bus: SignalBus) {
    this.plan = plan;
    this.#folder = folder;
    this.store = store;
    this.bus = bus;
  }

  /** Resolves when all of it takes work. */
  static async start(plan: SitePlan): Promise<Site> {
    const folder = mkdtempSync(join(tmpdir(), 'culvert-chaos-'));
    const store = await startStore(plan.store);
    const bus = await SignalBus.start(plan.nats, plan.topology, folder).catch(async (error: unknown) => {
      await store.redis.remove();
      throw error;
    });
    const site = new Site(plan, folder, store, bus);
    try {
      await site.#addAll();
      for (const group of [site.routers, site.edges, site.agents]) {
        await Promise.all(group.map(({ service }) => service.launch().line('ready', undefined, START_MS)));
      }
    } catch (error) {
      await site.stop();
      throw error;
    }
    return site;
  }

  /** Where it is one server, behind sentinels, or a cluster. */
  get redis(): RedisServer {
    return this.store.kind === 'server' ? this.store.redis : missing('single Redis');
  }

  get sentinels(): RedisSentinels {
    return this.store.kind === 'sentinels' ? this.store.redis : missing('sentinels');
  }

  get cluster(): RedisCluster {
    return this.store.kind === 'cluster' ? this.store.redis : missing('cluster of Redis');
  }

  edge(id: string): EdgeNode {
    return this.edges.find((edge) => edge.id === id) ?? missing(id);
  }

  agent(name: string): AgentNode {
    return this.agents.find((agent) => agent.name === name) ?? missing(name);
  }

  /** A listing of a router's API: `sessions` or `edges`. */
  async list<Item>(what: string, router: RouterNode): Promise<readonly Item[]> {
    const response = await fetch(`http://${at(router.admin)}/api/v1/${what}`, {
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
      signal: AbortSignal.timeout(5_000),
    });
    const body = (await response.json()) as Readonly<Record<string, Item[]>>;
    return body[what] ?? Promise.reject(new Error(`${response.status} ${JSON.stringify(body)}`));
  }

  /** Writes what all services have logged into a folder. */
  writeLogs(folder: string): void {
    mkdirSync(folder, { recursive: true });
    for (const { service } of [...this.routers, ...this.edges, ...this.agents])
      writeFileSync(join(folder, `${basename(service.file, '.yml')}.log`), service.output);
  }

  /** Whatever was done to it: every path open, every process there and awake. */
  async mend(): Promise<void> {
    for (const path of [...this.#paths, ...this.bus.paths]) path.heal();
    const servers = [...serversOf(this.store), ...this.bus.servers];
    for (const server of servers) server.resume();
    await Promise.all(servers.filter(({ pid }) => pid === undefined).map((server) => server.start()));
    for (const group of [this.routers, this.edges, this.agents]) {
      for (const { service } of group) service.process.signal('SIGCONT');
      const gone = group.filter(({ service }) => !service.process.alive);
      await Promise.all(gone.map(({ service }) => service.start()));
    }
    for (const { local } of this.agents) await local.resume();
  }

  async stop(): Promise<void> {
    const services = [...this.agents, ...this.edges, ...this.routers].map(({ service }) => service);
    const running = services.filter(({ started }) => started);
    // Nothing is left to finish, and a graceful end of all would only take time.
    await Promise.all(running.map((service) => service.stop('SIGKILL')));
    await Promise.all([
      this.store.redis.remove(),
      this.bus.stop(),
      ...this.#paths.map((path) => path.stop()),
    ]);
    await Promise.all(this.agents.map(({ local }) => local.stop()));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #addAll(): Promise<void> {
    const { routers, edges, agents } = this.plan;
    for (const [n, region] of routers.entries())
      this.routers.push(await this.#router(`router-${n + 1}`, region));
    for (const [n, plan] of edges.entries()) this.edges.push(await this.#edge(plan, `127.0.0.${n + 1}`));
    for (const plan of agents) this.agents.push(await this.#agent(plan));
  }

  async #router(name: string, region: string): Promise<RouterNode> {
    const admin = await freePlace();
    const { store } = this;
    const redis =
      store.kind === 'server'
        ? [await this.#path({ host: '127.0.0.1', port: store.redis.process.port })]
        : [];
    const nats = await this.#toNats(region);
    const service = this.#service('router', name, {
      redis: redis[0] === undefined ? settingOf(store) : `redis://${redis[0].address}`,
      nats: nats.map(({ address }) => `nats://${address}`),
      admin: { listen: at(admin), token: '${CULVERT_ADMIN_TOKEN}' },
      tunnels: [
        ...Object.entries(TUNNELS).map(([of, id]) => ({ id, name: of, token: tokenOf(of) })),
        ...HERD_TUNNELS,
      ],
      routes: [
        { hostname: HOSTNAMES.shop, tunnel: TUNNELS.shop },
        { hostname: HOSTNAMES.wiki, tunnel: TUNNELS.wiki },
      ],
    });
    return { region, admin, service, paths: { redis, nats } };
  }

  async #edge({ id, region }: EdgePlan, host: string): Promise<EdgeNode> {
    const places = [
      await freePlace(host),
      await freePlace(host),
      await freePlace(host),
      await freePlace(host),
    ];
    const [http, admin, agentsAt, peersAt] = places as [Place, Place, Place, Place];
    const [agents, peers] = [await this.#path(agentsAt), await this.#path(peersAt)];
    const nats = await this.#toNats(region);
    const service = this.#service('edge', id, {
      id,
      region,
      nats: nats.map(({ address }) => `nats://${address}`),
      secret: '${CULVERT_CLUSTER_SECRET}',
      entryPoints: [{ listen: at(http) }],
      agents: { listen: at(agentsAt), advertise: agents.address },
      peers: { listen: at(peersAt), advertise: peers.address },
      admin: { listen: at(admin) },
      // Herds may be larger than what one edge takes by default.
      limits: { sessions: 50_000 },
      ...this.plan.drain,
    });
    return { id, region, http, admin, agents: agentsAt, service, paths: { agents, peers, nats } };
  }

  async #agent(plan: AgentPlan): Promise<AgentNode> {
    const admin = await freePlace();
    const local = await CheckedService.start(this.ledger);
    const service = this.#service('agent', plan.name, {
      tunnel: TUNNELS[plan.tunnel],
      token: tokenOf(plan.tunnel),
      region: plan.region,
      links: plan.links,
      edges: plan.edges.map((id) => this.edge(id).paths.agents.address),
      admin: { listen: at(admin) },
      ingress: [{ service: local.url }],
    });
    return { ...plan, admin, local, service };
  }

  /** To the region's own server, or to all of a cluster. */
  async #toNats(region: string): Promise<TcpProxy[]> {
    const { topology, nats } = this.plan;
    const usable = this.bus.places.filter((_, n) => topology === 'cluster' || nats[n] === region);
    return Promise.all(usable.map((place) => this.#path(place)));
  }

  async #path(target: Place): Promise<TcpProxy> {
    const path = await TcpProxy.start(target);
    this.#paths.push(path);
    return path;
  }

  #service(kind: 'router' | 'edge' | 'agent', name: string, configuration: Configuration): ConfiguredService {
    const env = { ...ENVIRONMENT, ...clockOf(this.plan.clocks?.[name]) };
    return new ConfiguredService(kind, { folder: this.#folder, name }, configuration, env);
  }
}

function clockOf(offsetMs: number | undefined): NodeJS.ProcessEnv {
  if (offsetMs === undefined) return {};
  const preload = pathToFileURL(join(import.meta.dirname, 'skewed-clock.ts')).href;
  return { CHAOS_CLOCK_MS: String(offsetMs), NODE_OPTIONS: `--import=${preload}` };
}

/** As configuration files name it. */
function tokenOf(tunnel: string): string {
  return `\${TOKEN_OF_${tunnel.toUpperCase()}}`;
}

function missing(what: string): never {
  throw new Error(`the installation has no ${what}`);
}
