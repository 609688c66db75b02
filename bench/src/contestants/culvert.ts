import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GRPC_PATH, HOSTNAME, type Contestant, type Member, type Plan, type Site } from './contestant.ts';

/** The public command, as `npm ci` leaves it. */
const COMMAND = join(import.meta.dirname, '../../../node_modules/.bin/culvert');

/** What a service logs once it can take work. */
const READY = /"msg":"ready"/;

/** culvert: edge, agent and router as processes of their own, over a real Redis and a real NATS. */
export const culvert: Contestant = {
  name: 'culvert',
  setup: 'edge, agent and router as processes, Redis and NATS, HTTP by hostname, 4 links over plain TCP',
  programs: [COMMAND, 'redis-server', 'nats-server'],
  version: ['--version'],
  plan: (site) => planWith(site, 1),
};

const WORKERS = 2;

/** The same with an edge of several processes, for what that costs and brings. */
export const culvertWorkers: Contestant = {
  ...culvert,
  name: 'culvert-workers',
  setup: `the same with an edge of ${WORKERS} workers, which relay to each other what lands in the one without the link`,
  only: ['workers'],
  plan: (site) => planWith(site, WORKERS),
};

async function planWith(site: Site, workers: number): Promise<Plan> {
  const ports = await choosePorts(site);
  const file = (name: string, content: object): string => writeYaml(site.folder, name, content);
  const tunnel = { id: randomUUID(), token: randomBytes(24).toString('hex') };
  return {
    port: ports.public,
    tlsPort: ports.secure,
    adminPort: ports.edge,
    grpc: true,
    workers,
    hostname: HOSTNAME,
    members: [
      redis(site, ports),
      nats(ports),
      service('router', 'control', file('router.yml', routerFile(ports, tunnel))),
      service('edge', 'server', file('edge.yml', edgeFile(ports, site, workers))),
      service('agent', 'agent', file('agent.yml', agentFile(ports, tunnel, site))),
    ],
  };
}

interface Tunnel {
  readonly id: string;
  readonly token: string;
}

const PORTS = ['redis', 'nats', 'router', 'public', 'secure', 'links', 'peers', 'edge'] as const;
type Ports = Readonly<Record<(typeof PORTS)[number], number>>;

async function choosePorts(site: Site): Promise<Ports> {
  const chosen = await Promise.all(PORTS.map(async (name) => [name, await site.port()] as const));
  return Object.fromEntries(chosen) as Ports;
}

/** Writes a configuration; JSON is YAML. */
function writeYaml(folder: string, name: string, content: object): string {
  const path = join(folder, name);
  writeFileSync(path, `${JSON.stringify(content, null, 2)}\n`);
  return path;
}

const at = (port: number): string => `127.0.0.1:${port}`;

function redis(site: Site, ports: Ports): Member {
  const dir = join(site.folder, 'redis');
  mkdirSync(dir);
  const storage = ['--dir', dir, '--save', '', '--appendonly', 'no'];
  return {
    role: 'control',
    label: 'redis',
    command: ['redis-server', '--bind', '127.0.0.1', '--port', `${ports.redis}`, ...storage],
    ready: { port: ports.redis },
  };
}

function nats(ports: Ports): Member {
  return {
    role: 'control',
    label: 'nats',
    command: ['nats-server', '-a', '127.0.0.1', '-p', `${ports.nats}`],
    ready: { port: ports.nats },
  };
}

function service(name: string, role: Member['role'], file: string): Member {
  return { role, label: name, command: [COMMAND, name, '--config', file], ready: { line: READY } };
}

function routerFile(ports: Ports, tunnel: Tunnel): object {
  return {
    redis: `redis://${at(ports.redis)}`,
    nats: `nats://${at(ports.nats)}`,
    admin: { listen: at(ports.router), token: randomBytes(24).toString('hex') },
    tunnels: [{ ...tunnel, name: 'bench' }],
    routes: [{ hostname: HOSTNAME, tunnel: tunnel.id }],
  };
}

function edgeFile(ports: Ports, { certificate: { cert, key } }: Site, workers: number): object {
  return {
    id: 'bench-1',
    region: 'bench',
    nats: `nats://${at(ports.nats)}`,
    secret: randomBytes(24).toString('hex'),
    entryPoints: [
      { listen: at(ports.public) },
      { listen: at(ports.secure), tls: { certificates: [{ cert, key }] } },
    ],
    agents: { listen: at(ports.links), advertise: at(ports.links) },
    // There is no other edge, and workers would need a port each.
    ...(workers === 1 ? { peers: { listen: at(ports.peers), advertise: at(ports.peers) } } : { workers }),
    admin: { listen: at(ports.edge) },
    drainDelay: '10ms', // no balancer has to notice, and a killed process leaves no compiled code behind
  };
}

function agentFile(ports: Ports, tunnel: Tunnel, site: Site): object {
  return {
    tunnel: tunnel.id,
    token: tunnel.token,
    edges: [`tcp://${at(ports.links)}`],
    links: 4,
    ingress: [
      { path: `= ${GRPC_PATH}`, service: `h2c://${at(site.grpcUpstream)}` },
      { service: `http://${at(site.upstream)}` },
    ],
  };
}
