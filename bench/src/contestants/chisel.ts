import type { Contestant, Plan, Site } from './contestant.ts';

/** chisel: a reverse remote for raw TCP; always SSH inside a WebSocket. */
export const chisel: Contestant = {
  name: 'chisel',
  setup: 'reverse remote, SSH in a WebSocket (always encrypted)',
  programs: ['chisel'],
  version: ['--version'],
  async plan(site: Site): Promise<Plan> {
    const [port, link] = [await site.port(), await site.port()];
    const remote = `R:127.0.0.1:${port}:127.0.0.1:${site.upstream}`;
    return {
      port,
      hostname: '127.0.0.1',
      members: [
        {
          role: 'server',
          label: 'chisel-server',
          command: ['chisel', 'server', '--host', '127.0.0.1', '-p', `${link}`, '--reverse'],
          ready: { port: link },
        },
        {
          role: 'agent',
          label: 'chisel-client',
          command: ['chisel', 'client', `http://127.0.0.1:${link}`, remote],
          ready: 'unknown',
        },
      ],
    };
  },
};
