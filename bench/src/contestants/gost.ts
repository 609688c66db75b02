import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HOSTNAME, type Contestant, type Plan, type Site } from './contestant.ts';

const TUNNEL = '4d21094e-b74c-4916-86c1-d9fa36ea677b';

/** GOST's tunnel handler with routing by hostname, over plain TCP, everything else at its default. */
export const gost: Contestant = {
  name: 'gost',
  setup: 'tunnel handler, entry point by hostname, plain TCP, entrypoint.keepalive as by default (off)',
  programs: ['gost'],
  version: ['-V'],
  async plan(site: Site): Promise<Plan> {
    const [port, link] = [await site.port(), await site.port()];
    const [server, client] = [join(site.folder, 'server.yml'), join(site.folder, 'client.yml')];
    writeFileSync(server, JSON.stringify(serverFile(port, link)));
    writeFileSync(client, JSON.stringify(clientFile(link, site.upstream)));
    return {
      port,
      hostname: HOSTNAME,
      members: [
        { role: 'server', label: 'gost-server', command: ['gost', '-C', server], ready: { port: link } },
        { role: 'agent', label: 'gost-agent', command: ['gost', '-C', client], ready: 'unknown' },
      ],
    };
  },
};

const log = { level: 'error', format: 'text', output: 'stderr' };

function serverFile(port: number, link: number): object {
  const metadata = { entrypoint: `127.0.0.1:${port}`, ingress: 'i' };
  return {
    log,
    services: [
      {
        name: 't',
        addr: `127.0.0.1:${link}`,
        handler: { type: 'tunnel', metadata },
        listener: { type: 'tcp' },
      },
    ],
    ingresses: [{ name: 'i', rules: [{ hostname: HOSTNAME, endpoint: TUNNEL }] }],
  };
}

function clientFile(link: number, upstream: number): object {
  const connector = { type: 'tunnel', metadata: { 'tunnel.id': TUNNEL, 'tunnel.weight': 1 } };
  const node = { name: 'n', addr: `127.0.0.1:${link}`, connector, dialer: { type: 'tcp' } };
  const service = {
    name: 'app',
    addr: ':0',
    handler: { type: 'rtcp' },
    listener: { type: 'rtcp', chain: 'c' },
    forwarder: { nodes: [{ name: 'u', addr: `127.0.0.1:${upstream}` }] },
  };
  return { log, services: [service], chains: [{ name: 'c', hops: [{ name: 'h', nodes: [node] }] }] };
}
