import type { Contestant, Plan, Site } from './contestant.ts';

/** The port that bore's clients dial; neither end lets it be chosen. */
const CONTROL_PORT = 7835;

/** bore: raw TCP, one connection between the two ends for each of a client. */
export const bore: Contestant = {
  name: 'bore',
  setup: 'raw TCP, no secret',
  programs: ['bore'],
  version: ['--version'],
  async plan(site: Site): Promise<Plan> {
    const port = await site.port();
    const range = ['--min-port', `${port}`, '--max-port', `${port}`];
    const target = ['-l', '127.0.0.1', '-t', '127.0.0.1', '-p', `${port}`];
    return {
      port,
      hostname: '127.0.0.1',
      members: [
        {
          role: 'server',
          label: 'bore-server',
          command: ['bore', 'server', '--bind-addr', '127.0.0.1', ...range],
          ready: { port: CONTROL_PORT },
        },
        {
          role: 'agent',
          label: 'bore-local',
          command: ['bore', 'local', `${site.upstream}`, ...target],
          ready: 'unknown',
        },
      ],
    };
  },
};
