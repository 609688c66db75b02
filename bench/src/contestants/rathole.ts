import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contestant, Plan, Site } from './contestant.ts';

/** rathole: raw TCP, one connection between the two ends for each of a client. */
export const rathole: Contestant = {
  name: 'rathole',
  setup: 'raw TCP, no encryption (its default)',
  programs: ['rathole'],
  version: ['--version'],
  async plan(site: Site): Promise<Plan> {
    const [port, link] = [await site.port(), await site.port()];
    const [server, client] = [join(site.folder, 'server.toml'), join(site.folder, 'client.toml')];
    writeFileSync(
      server,
      end('server', `bind_addr = "127.0.0.1:${link}"`, `bind_addr = "127.0.0.1:${port}"`),
    );
    writeFileSync(
      client,
      end('client', `remote_addr = "127.0.0.1:${link}"`, `local_addr = "127.0.0.1:${site.upstream}"`),
    );
    return {
      port,
      hostname: '127.0.0.1',
      members: [
        { role: 'server', label: 'rathole-server', command: ['rathole', server], ready: { port: link } },
        { role: 'agent', label: 'rathole-client', command: ['rathole', client], ready: 'unknown' },
      ],
    };
  },
};

function end(side: 'server' | 'client', link: string, service: string): string {
  return `[${side}]\n${link}\ndefault_token = "t0k"\n[${side}.services.w]\n${service}\n`;
}
