import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ServerProcess, TcpProxy, eventually } from '@culvert/testkit';
import { at, freePlace } from '../place.ts';
import type { Place } from '../place.ts';

/** They try again every second until they have reached each other. */
const JOIN_MS = 30_000;

/** How NATS servers reach each other. */
export type Topology = 'cluster' | 'gateways';

interface Member {
  readonly name: string;
  readonly clients: Place;
  readonly monitor: Place;
  /** Where the other servers arrive. */
  readonly servers: Place;
  /** What they dial instead. */
  readonly path: TcpProxy;
}

/** NATS servers that together are one bus: a cluster, or one server a region joined by gateways. */
export class SignalBus {
  readonly servers: readonly ServerProcess[];
  /** Between the servers: the path into each of them. */
  readonly paths: readonly TcpProxy[];

  private constructor(servers: readonly ServerProcess[], paths: readonly TcpProxy[]) {
    this.servers = servers;
    this.paths = paths;
  }

  static async start(names: readonly string[], topology: Topology, folder: string): Promise<SignalBus> {
    const members = await Promise.all(names.map((name) => memberOf(name)));
    const servers = await Promise.all(
      members.map((member) => {
        const file = join(folder, `nats-${member.name}.conf`);
        writeFileSync(file, topology === 'cluster' ? inCluster(member, members) : atGateway(member, members));
        const program = { command: 'nats-server', args: () => ['-c', file], greeting: '', expect: 'INFO ' };
        return ServerProcess.start(program, member.clients.port);
      }),
    );
    await eventually(
      async () => (await Promise.all(members.map(othersKnownTo))).every((n) => n === names.length - 1),
      {
        timeoutMs: JOIN_MS,
      },
    );
    const paths = members.map(({ path }) => path);
    return new SignalBus(servers, paths);
  }

  /** Where clients of each server connect. */
  get places(): Place[] {
    return this.servers.map(({ port }) => ({ host: '127.0.0.1', port }));
  }

  /** Every server is on its own. */
  part(): void {
    for (const path of this.paths) path.cut();
  }

  join(): void {
    for (const path of this.paths) path.heal();
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop('SIGKILL')));
    await Promise.all(this.paths.map((path) => path.stop()));
  }
}

/** How many other servers, or gateways, a server has reached. */
async function othersKnownTo({ monitor }: Member): Promise<number> {
  const ask = async (what: string): Promise<object> =>
    (await (await fetch(`http://${at(monitor)}/${what}`)).json()) as object;
  const { num_routes: routes = 0 } = (await ask('routez')) as { num_routes?: number };
  const { outbound_gateways: gateways = {} } = (await ask('gatewayz')) as { outbound_gateways?: object };
  return routes + Object.keys(gateways).length;
}

async function memberOf(name: string): Promise<Member> {
  const [clients, monitor, servers] = [await freePlace(), await freePlace(), await freePlace()];
  return { name, clients, monitor, servers, path: await TcpProxy.start(servers) };
}

/** Servers tell each other's addresses on, so that each one is known by its path only. */
function inCluster({ name, clients, monitor, servers, path }: Member, all: readonly Member[]): string {
  const routes = all.filter((other) => other.name !== name).map((other) => `nats://${other.path.address}`);
  return [
    `server_name: ${name}`,
    `listen: "${at(clients)}"`,
    `http: "${at(monitor)}"`,
    'cluster {',
    '  name: chaos',
    `  listen: "${at(servers)}"`,
    `  advertise: "${path.address}"`,
    '  no_advertise: true',
    `  routes: ${JSON.stringify(routes)}`,
    '}\n',
  ].join('\n');
}

function atGateway({ name, clients, monitor, servers, path }: Member, all: readonly Member[]): string {
  const gateways = all.map((other) => `{ name: ${other.name}, url: "nats://${other.path.address}" }`);
  return [
    `server_name: ${name}`,
    `listen: "${at(clients)}"`,
    `http: "${at(monitor)}"`,
    'gateway {',
    `  name: ${name}`,
    `  listen: "${at(servers)}"`,
    `  advertise: "${path.address}"`,
    `  gateways: [ ${gateways.join(', ')} ]`,
    '}\n',
  ].join('\n');
}
