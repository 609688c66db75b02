import { agentSchema } from '@culvert/agent/settings';
import { formatAddress, type ListenAddress, type Service } from '@culvert/lifecycle';
import { parseSettings } from '@culvert/settings';
import { startDemoService } from './demo-service.ts';
import { newDemoTunnel, type DemoTunnel } from './demo-tunnel.ts';
import { accountFile, openAccount, writeAccount } from './local-account.ts';
import { openRegistry } from './open-registry.ts';
import { openSignals } from './open-signals.ts';
import { print } from './print.ts';
import type { UpFlags } from './program.ts';
import { serve, type ProcessParts } from './serve.ts';
import { upSettings, type UpSettings } from './up-settings.ts';
import { welcome } from './welcome.ts';

/** `culvert up`: the same edge, router and agent as ever, in one process. */
export async function runUp(flags: UpFlags): Promise<void> {
  const file = accountFile();
  const account = openAccount(file);
  const demo = newDemoTunnel();
  const settings = upSettings(flags, account, demo);
  await serve('up', settings.edge, async (parts) => {
    const started = await startAll(settings, demo, parts);
    const addresses = { agents: reachable(started.agents), http: reachable(started.http) };
    writeAccount(file, { ...account, ...addresses });
    const admin = started.admin === undefined ? {} : { admin: reachable(started.admin) };
    print(welcome({ ...addresses, ...admin, account, file }));
    return started;
  });
}

/** A started installation and where it listens. */
interface Installation extends Service {
  readonly http: ListenAddress;
  readonly agents: ListenAddress;
  readonly admin: ListenAddress | undefined;
}

async function startAll(settings: UpSettings, demo: DemoTunnel, parts: ProcessParts): Promise<Installation> {
  const { logger } = parts;
  const signals = await openSignals({ ...settings.edge, name: 'up', logger });
  const registry = await openRegistry({ ...settings.router, logger });
  const [{ startRouter }, { startEdge }] = await Promise.all([
    import('@culvert/router'),
    import('@culvert/edge'),
  ]);
  const router = await startRouter(settings.router, {
    ...parts,
    logger: logger.with({ part: 'router' }),
    signals,
    registry,
  });
  const edge = await startEdge(settings.edge, { ...parts, logger: logger.with({ part: 'edge' }), signals });
  const service = await startDemoService();
  const agent = await startDemoAgent(demo, edge.addresses.agents, service.address, parts);
  return {
    http: edge.addresses.entryPoints[0],
    agents: edge.addresses.agents,
    admin: router.addresses.admin,
    drain: async () => {
      // The agent hears of the edge's drain over its links; what it forwards ends before the service does.
      await edge.drain();
      await agent.drain();
      await service.close();
      await router.drain();
    },
  };
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
  return startAgent(settings, { ...parts, logger: parts.logger.with({ part: 'demo agent' }) });
}

/** How this machine itself reaches a listener. */
function reachable({ host, port }: ListenAddress): string {
  return formatAddress({
    host: host === '' || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host,
    port,
  });
}
