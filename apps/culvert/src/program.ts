import { Command, Option } from 'commander';
import { VERSION } from './version.ts';

/** The command line. Each command loads its own modules only when it runs: an agent never loads the router. */
export function createProgram(): Command {
  const program = new Command('culvert')
    .description('A self-hosted tunnel and edge network.')
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError('(add --help for what can be typed here)')
    .addHelpText('after', EXIT_STATUS);
  for (const command of [up(), edge(), router(), agent(), http(), tcp(), check()]) {
    program.addCommand(command.copyInheritedSettings(program));
  }
  return program;
}

const EXIT_STATUS = `
Exit status: 0 done, 1 failed, 2 wrong usage or configuration.

Examples:
  culvert up                                          an edge, a router and a demo on this machine
  culvert http 3000 --hostname app.localhost          make port 3000 public there
  culvert edge --config edge.yml                      one edge of an installation`;

function up(): Command {
  return new Command('up')
    .description('runs an edge, a router and a demo service in one process, with nothing else to install')
    .option('--config <file>', 'YAML file with sections "edge" and "router" that change the defaults')
    .option('--http <address>', 'where the public arrives (default: ":8080")')
    .option('--agents <address>', 'where agents attach (default: ":7000")')
    .option('--admin <address>', 'REST API, /metrics and /readyz (default: "127.0.0.1:9090")')
    .addHelpText('after', examples('culvert up', 'culvert up --http 127.0.0.1:8000 --agents 127.0.0.1:7100'))
    .action(async (options: UpFlags) => (await import('./up-command.ts')).runUp(options));
}

/** What `culvert up` was told; see its options. */
export interface UpFlags {
  readonly config?: string;
  readonly http?: string;
  readonly agents?: string;
  readonly admin?: string;
}

function edge(): Command {
  return service(
    'edge',
    'runs an edge: accepts public traffic, holds the links of agents, relays to other edges',
  ).action(async ({ config }: ConfigFlags) => (await import('./edge-command.ts')).runEdge(config));
}

function router(): Command {
  return service(
    'router',
    'runs a router: owns the registry of tunnels and routes, serves the admin API',
  ).action(async ({ config }: ConfigFlags) => (await import('./router-command.ts')).runRouter(config));
}

function agent(): Command {
  return service('agent', 'runs an agent: dials edges and forwards to services of this network').action(
    async ({ config }: ConfigFlags) => (await import('./agent-command.ts')).runAgent(config),
  );
}

interface ConfigFlags {
  readonly config: string;
}

function service(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .requiredOption('--config <file>', 'YAML file; docs/configuration.md has its keys')
    .addHelpText('after', examples(`culvert ${name} --config ${name}.yml`));
}

function http(): Command {
  return withEdge(new Command('http'))
    .description('makes a local HTTP service public by a hostname')
    .argument('<target>', 'port, host:port, URL or unix:PATH of the service')
    .requiredOption('--hostname <name>', 'public name; the token must be allowed to claim it')
    .option(
      '--host-header <host>',
      'Host for the service, or "service" for its own (default: as the client sent it)',
    )
    .option('--http2', 'speak HTTP/2 to a service of https:// or unix: (h2c:// always does)')
    .option('--insecure-upstream', 'take any certificate of a service of https://')
    .addHelpText(
      'after',
      examples(
        'culvert http 3000 --hostname app.localhost',
        'culvert http h2c://127.0.0.1:50051 --hostname grpc.localhost',
        'culvert http https://10.0.0.7:8443 --hostname app.example.com --edge edge.example.com:7000 --token T',
      ),
    )
    .action(async (target: string, options: HttpFlags) =>
      (await import('./quick-tunnel.ts')).runHttp(target, options),
    );
}

function tcp(): Command {
  return withEdge(new Command('tcp'))
    .description('makes a local TCP service public by a port')
    .argument('<target>', 'port or host:port of the service')
    .requiredOption('--port <number>', 'public port; the token must be allowed to claim it')
    .addHelpText('after', examples('culvert tcp 5432 --port 15432'))
    .action(async (target: string, options: QuickFlags & { readonly port: string }) =>
      (await import('./quick-tunnel.ts')).runTcp(target, options),
    );
}

/** Where an agent without a file attaches, and with what. */
export interface QuickFlags {
  readonly edge?: string;
  readonly token?: string;
}

/** What `culvert http` was told besides; see its options. */
export interface HttpFlags extends QuickFlags, ServiceFlags {
  readonly hostname: string;
}

/** How the service wants to be spoken to. */
export interface ServiceFlags {
  readonly hostHeader?: string;
  readonly http2?: true;
  readonly insecureUpstream?: true;
}

function withEdge(command: Command): Command {
  return command
    .option('--edge <address>', 'edge to attach to (default: that of "culvert up" here, or 127.0.0.1:7000)')
    .addOption(
      new Option('--token <token>', 'what to attach with (default: that of "culvert up" here)').env(
        'CULVERT_TOKEN',
      ),
    );
}

const KINDS = ['edge', 'router', 'agent', 'up'] as const;
export type ConfigKind = (typeof KINDS)[number];

function check(): Command {
  return new Command('check')
    .description('validates a configuration file and tells all that is wrong with it')
    .argument('<file>', 'YAML file')
    .addOption(new Option('--as <kind>', 'what it configures (default: told by its keys)').choices(KINDS))
    .addHelpText('after', examples('culvert check edge.yml', 'culvert check --as agent agent.yml'))
    .action(async (file: string, options: { readonly as?: ConfigKind }) =>
      (await import('./check-command.ts')).runCheck(file, options.as),
    );
}

function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}
