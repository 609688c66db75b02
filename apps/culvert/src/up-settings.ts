import { edgeSchema, type EdgeSettings } from '@culvert/edge/settings';
import { routerSchema, type RouterSettings } from '@culvert/router/settings';
import { parseListenAddress, parseSettings, readFile, section, type ReadFile } from '@culvert/settings';
import type { DemoTunnel } from './demo-tunnel.ts';
import { UsageError } from './failure.ts';
import type { LocalAccount } from './local-account.ts';
import type { UpFlags } from './program.ts';

/** What `culvert up` runs with. */
export interface UpSettings {
  readonly edge: EdgeSettings;
  readonly router: RouterSettings;
}

export const DEMO_HOSTNAME = 'demo.localhost';

/** A file for `culvert up` holds an edge's and a router's keys, each of which may be left out. */
export const upSchema = (folder: string) =>
  section(
    'an edge and a router in one process',
    {
      edge: edgeSchema(folder),
      router: routerSchema(folder),
    },
    function* ({ edge, router }) {
      const message =
        'registry and bus of "culvert up" live in its process; run "culvert router" and "culvert edge"';
      if (edge.nats !== undefined) yield { path: ['edge', 'nats'], message };
      if (router.nats !== undefined) yield { path: ['router', 'nats'], message };
      if (router.redis !== undefined) yield { path: ['router', 'redis'], message };
      if (edge.agents === undefined)
        yield { path: ['edge'], message: 'needs "agents", which the demo attaches to' };
    },
  );

/** Flags win over the file, the file over the defaults; lists are taken whole. */
export function upSettings(flags: UpFlags, account: LocalAccount, demo: DemoTunnel): UpSettings {
  if (flags.config !== undefined) return readUpFile(flags.config, flags, account, demo).settings;
  return parseSettings('', upSchema, { file: 'culvert up', ...layers(flags, account, demo) });
}

/** The same with a file, which can be read again. */
export function readUpFile(
  file: string,
  flags: UpFlags,
  account: LocalAccount,
  demo: DemoTunnel,
): ReadFile<UpSettings> {
  return readFile(file, upSchema, layers(flags, account, demo));
}

function layers(flags: UpFlags, account: LocalAccount, demo: DemoTunnel) {
  return { under: defaults(account, demo), over: fromFlags(flags) };
}

function defaults(account: LocalAccount, demo: DemoTunnel): unknown {
  const local = { name: 'local', token: account.agentToken, tunnels: '*' };
  return {
    edge: {
      id: 'local',
      entryPoints: [{ listen: ':8080' }],
      agents: { listen: ':7000' },
      // Nobody balances over a process that is alone, so nobody has to notice that it leaves.
      drainDelay: '0s',
    },
    router: {
      admin: { listen: '127.0.0.1:9090', token: account.adminToken },
      tunnels: [{ id: demo.id, name: 'demo', token: demo.token }],
      routes: [{ hostname: DEMO_HOSTNAME, tunnel: demo.id }],
      tokens: [{ ...local, hostnames: ['.localhost'], ports: ['1024-65535'] }],
    },
  };
}

function fromFlags(flags: UpFlags): unknown {
  for (const name of ['http', 'agents', 'admin'] as const) {
    const value = flags[name];
    if (value !== undefined && parseListenAddress(value) === undefined) {
      throw new UsageError(
        `--${name}: expected an address such as ":8080" or "127.0.0.1:8080", not ${JSON.stringify(value)}`,
      );
    }
  }
  return {
    edge: {
      ...(flags.http === undefined ? {} : { entryPoints: [{ listen: flags.http }] }),
      ...(flags.agents === undefined ? {} : { agents: { listen: flags.agents } }),
    },
    router: flags.admin === undefined ? {} : { admin: { listen: flags.admin } },
  };
}
