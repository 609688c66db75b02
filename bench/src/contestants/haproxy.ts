import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contestant, Plan, Site } from './contestant.ts';

/** HAProxy as a plain reverse proxy: no tunnel, one hop. */
export const haproxy: Contestant = {
  name: 'haproxy',
  setup: 'reverse proxy, nbthread 2, http-reuse always, forwardfor',
  programs: ['haproxy'],
  version: ['-v'],
  async plan(site: Site): Promise<Plan> {
    const port = await site.port();
    const file = join(site.folder, 'haproxy.cfg');
    writeFileSync(file, configuration(port, site.upstream));
    const command = ['haproxy', '-f', file] as const;
    return {
      port,
      hostname: '127.0.0.1',
      members: [{ role: 'server', label: 'haproxy', command, ready: { port } }],
    };
  },
};

function configuration(port: number, upstream: number): string {
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
  default_backend b
backend b
  server s 127.0.0.1:${upstream} maxconn 4000 pool-max-conn 1024
`;
}
