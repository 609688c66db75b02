import type { Contestant, Plan, Site } from './contestant.ts';

/** piko: one server node, HTTP by hostname, the agent over a plain WebSocket. */
export const piko: Contestant = {
  name: 'piko',
  setup: 'one node, HTTP by hostname, ws:// link, access logs off',
  programs: ['piko'],
  version: ['--version'],
  async plan(site: Site): Promise<Plan> {
    const [port, link] = [await site.port(), await site.port()];
    const server = await serverCommand(site, port, link);
    const agent = await agentCommand(site, link);
    return {
      port,
      hostname: 'app.example',
      members: [
        { role: 'server', label: 'piko-server', command: server, ready: { port: link } },
        { role: 'agent', label: 'piko-agent', command: agent, ready: 'unknown' },
      ],
    };
  },
};

const QUIET = ['--log.level', 'warn', '--grace-period', '1s'];

async function serverCommand(
  site: Site,
  port: number,
  link: number,
): Promise<readonly [string, ...string[]]> {
  const address = async (): Promise<string> => `127.0.0.1:${await site.port()}`;
  return [
    ...(['piko', 'server', ...QUIET, '--proxy.access-log.disable'] as const),
    ...['--proxy.bind-addr', `127.0.0.1:${port}`, '--upstream.bind-addr', `127.0.0.1:${link}`],
    ...['--admin.bind-addr', await address(), '--cluster.gossip.bind-addr', await address()],
  ];
}

async function agentCommand(site: Site, link: number): Promise<readonly [string, ...string[]]> {
  return [
    ...([
      'piko',
      'agent',
      'http',
      'app',
      `127.0.0.1:${site.upstream}`,
      ...QUIET,
      '--access-log.disable',
    ] as const),
    ...['--connect.url', `http://127.0.0.1:${link}`, '--server.bind-addr', `127.0.0.1:${await site.port()}`],
  ];
}
