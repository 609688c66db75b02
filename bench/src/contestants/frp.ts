import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HOSTNAME, type Contestant, type Plan, type Site } from './contestant.ts';

interface Transport {
  readonly tls: boolean;
  /** Work connections that the client opens ahead; the server's cap follows it. */
  readonly pool: number;
}

/** frp's HTTP mode (virtual hosts) with everything at its default. */
export const frp: Contestant = contestant(
  'frp',
  'HTTP mode, defaults: tcpMux, TLS between the two, no pool',
  {
    tls: true,
    pool: 0,
  },
);

/** frp's HTTP mode at its best for small requests over a multiplexed link. */
export const frpPool: Contestant = contestant('frp-pool', 'HTTP mode, tcpMux, no TLS, poolCount 100', {
  tls: false,
  pool: 100,
});

function contestant(name: string, setup: string, transport: Transport): Contestant {
  return {
    name,
    setup,
    programs: ['frps', 'frpc'],
    version: ['--version'],
    plan: (site) => plan(site, transport),
  };
}

async function plan(site: Site, transport: Transport): Promise<Plan> {
  const [port, link] = [await site.port(), await site.port()];
  const [server, client] = [join(site.folder, 'frps.toml'), join(site.folder, 'frpc.toml')];
  writeFileSync(server, serverFile(port, link, transport));
  writeFileSync(client, clientFile(link, site.upstream, transport));
  return {
    port,
    hostname: HOSTNAME,
    members: [
      { role: 'server', label: 'frps', command: ['frps', '-c', server], ready: { port: link } },
      { role: 'agent', label: 'frpc', command: ['frpc', '-c', client], ready: 'unknown' },
    ],
  };
}

function serverFile(port: number, link: number, transport: Transport): string {
  return `bindAddr = "127.0.0.1"
bindPort = ${link}
proxyBindAddr = "127.0.0.1"
vhostHTTPPort = ${port}
log.level = "warn"
auth.token = "t0k"
transport.tcpMux = true
transport.maxPoolCount = ${Math.max(5, transport.pool)}
`;
}

function clientFile(link: number, upstream: number, transport: Transport): string {
  return `serverAddr = "127.0.0.1"
serverPort = ${link}
log.level = "warn"
auth.token = "t0k"
transport.tcpMux = true
transport.tls.enable = ${transport.tls}
transport.poolCount = ${transport.pool}
[[proxies]]
name = "h"
type = "http"
localIP = "127.0.0.1"
localPort = ${upstream}
customDomains = ["${HOSTNAME}"]
`;
}
