import { agentSchema } from '@culvert/agent/settings';
import { formatAddress, type ListenAddress, type Service } from '@culvert/lifecycle';
import { parseSettings, partsWithin, type ReadFile } from '@culvert/settings';
import { startDemoService } from './demo-service.ts';
import { newDemoTunnel, type DemoTunnel } from './demo-tunnel.ts';
import { accountFile, openAccount, writeAccount } from './local-account.ts';
import { memorySignals } from './open-signals.ts';
import { partLogger } from './part-logger.ts';
import { print } from './print.ts';
import type { UpFlags } from './program.ts';
import { serve, serveFile, type LiveService, type ProcessParts } from './serve.ts';
import { readUpFile, upSettings, type UpSettings } from './up-settings.ts';
import { welcome } from './welcome.ts';

/** `culvert up`: the same edge, router and agent as ever, in one process. */
export async function runUp(flags: UpFlags): Promise<void> {
  const file = accountFile();
  const account = openAccount(file);
  const demo = newDemoTunnel();
  const start = async (settings: UpSettings, parts: ProcessParts): Promise<Installation> => {
    const started = await startAll(settings, demo, parts);
    parts.logger.info('ready');
    const addresses = { agents: reachable(started.agents), http: reachable(started.http) };
    writeAccount(file, { ...account, ...addresses });
    const admin = started.admin === undefined ? {} : { admin: reachable(started.admin) };
    print(welcome({ ...addresses, ...admin, account, file }));
    return started;
  };
  const { config } = flags;
  if (config === undefined) {
    const settings = upSettings(flags, account, demo);
    return serve('up', settings.edge, (parts) => start(settings, parts));
  }
  const read = (): ReadFile<UpSettings> => readUpFile(config, flags, account, demo);
  return serveFile('up', { read, section: 'edge', own: ({ edge }) => edge }, start);
}

/** A started installation and where it listens. */
interface Installation extends LiveService<UpSettings> {
  readonly http: ListenAddress;
  readonly agents: ListenAddress;
  readonly admin: ListenAddress | undefined;
}

async function startAll(settings: UpSettings, demo: DemoTunnel, parts: ProcessParts): Promise<Installation> {
  const { bus, router } = await startControl(settings, parts);
  const { startEdge } = await import('@culvert/edge');
  const logger = partLogger(parts.logger, 'edge');
  const edge = await startEdge(settings.edge, {
    ...parts,
    logger,
    signals: await memorySignals(bus, logger),
  });
  const { agents = NOWHERE, entryPoints } = edge.addresses;
  const service = await startDemoService();
  const agent = await startDemoAgent(demo, agents, service.address, parts);
  return {
    http: entryPoints[0] ?? NOWHERE,
    agents,
    admin: router.admin,
    ready: Promise.resolve(),
    bound: 'its registry lives in its process',
    live: [
      ...partsWithin('edge', edge.live, (settings: UpSettings) => settings.edge),
      ...partsWithin('router', router.live, (settings: UpSettings) => settings.router),
    ],
    drain: async () => {
      // What runs at the edge ends before the agent and the service that it leads to.
      await edge.drain();
      await agent.drain();
      await service.close();
      await router.drain();
    },
  };
}

/** Stands for a listener that the settings are checked to have. */
const NOWHERE: ListenAddress = { host: '127.0.0.1', port: 0 };

/** The router over a registry and a bus that live in this process. */
async function startControl({ router: settings }: UpSettings, parts: ProcessParts) {
  const [{ startRouter }, { MemoryRegistry }, { MemoryBus }] = await Promise.all([
    import('@culvert/router'),
    import('@culvert/registry'),
    import('@culvert/signals'),
  ]);
  const bus = new MemoryBus();
  const logger = partLogger(parts.logger, 'router');
  const signals = await memorySignals(bus, logger);
  const router = await startRouter(settings, { ...parts, logger, signals, registry: new MemoryRegistry() });
  await router.ready;
  return { bus, router };
}

/** The demo's agent dials the edge as any other does. */
async function startDemoAgent(
  demo: DemoTunnel,
  agents: ListenAddress,
  service: ListenAddress,
  parts: ProcessParts,
): Promise<Service> {
  const { startAgent } = await import('@culvert/agent');
  const settings = parseSettings('', agentSchema, {
    file: 'culvert up',
    under: {
      tunnel: demo.id,
      token: demo.token,
      edges: [`tcp://${reachable(agents)}`],
      links: 1,
      ingress: [{ service: `http://${formatAddress(service)}` }],
    },
  });
  const agent = await startAgent(settings, { ...parts, logger: partLogger(parts.logger, 'demo agent') });
  await agent.attached;
  return agent;
}

/** How this machine itself reaches a listener. */
function reachable({ host, port }: ListenAddress): string {
  return formatAddress({
    host: host === '' || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host,
    port,
  });
}
