import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GRPC_PATH, type Contestant, type Plan, type Site } from './contestant.ts';

/** HAProxy as a plain reverse proxy: no tunnel, one hop. */
export const haproxy: Contestant = {
  name: 'haproxy',
  setup: 'reverse proxy, nbthread 2, http-reuse always, forwardfor',
  programs: ['haproxy'],
  version: ['-v'],
  async plan(site: Site): Promise<Plan> {
    const [port, tlsPort] = [await site.port(), await site.port()];
    const file = join(site.folder, 'haproxy.cfg');
    writeFileSync(file, configuration(port, tlsPort, site));
    const command = ['haproxy', '-f', file] as const;
    return {
      port,
      tlsPort,
      grpc: true,
      hostname: '127.0.0.1',
      members: [{ role: 'server', label: 'haproxy', command, ready: { port } }],
    };
  },
};

function configuration(port: number, tlsPort: number, site: Site): string {
  return `global
  maxconn 8000
  nbthread 2
  no log
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  timeout http-keep-alive 600s
  option http-keep-alive
  http-reuse always
  option forwardfor
frontend f
  bind 127.0.0.1:${port}
  bind 127.0.0.1:${tlsPort} ssl crt ${site.certificate.both} alpn h2,http/1.1
  use_backend grpc if { path ${GRPC_PATH} }
  default_backend b
backend b
  server s 127.0.0.1:${site.upstream} maxconn 4000 pool-max-conn 1024
backend grpc
  server g 127.0.0.1:${site.grpcUpstream} proto h2 maxconn 4000 pool-max-conn 1024
`;
}
