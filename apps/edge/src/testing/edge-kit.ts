import { MemoryBus, MemorySignals } from '@culvert/signals';
import { parseSettings } from '@culvert/settings';
import { Metrics } from '@culvert/telemetry';
import { recordingLogger, type LoggedLine } from '@culvert/testkit';
import { onTestFinished } from 'vitest';
import { startEdge } from '../edge.ts';
import type { RunningEdge } from '../edge.ts';
import type { HttpTimeouts } from '../http/http-context.ts';
import { edgeSchema } from '../settings.ts';
import type { EdgeSettings } from '../settings.ts';
import { AgentDouble } from './agent-double.ts';
import type { AgentOptions } from './agent-double.ts';
import { RawClient } from './raw-client.ts';
import { RouterDouble } from './router-double.ts';

/** An edge's settings as a file would give them: everything on free ports of loopback, short times. */
export function edgeSettings(more: object = {}): EdgeSettings {
  const under = {
    id: 'eu-1',
    entryPoints: [{ listen: '127.0.0.1:0' }],
    agents: { listen: '127.0.0.1:0' },
    drainDelay: '0s',
    drainTimeout: '100ms',
    ...more,
  };
  return parseSettings('', edgeSchema, { file: 'test', under });
}

/** The time limits of an edge whose file says nothing of them. */
export const edgeTimeouts = (): HttpTimeouts => ({ ...edgeSettings().timeouts, total: Infinity });

/** A running edge and the ways to reach it. */
export class TestEdge {
  readonly running: RunningEdge;
  readonly metrics: Metrics;
  readonly lines: LoggedLine[];

  constructor(running: RunningEdge, metrics: Metrics, lines: LoggedLine[]) {
    this.running = running;
    this.metrics = metrics;
    this.lines = lines;
  }

  get httpPort(): number {
    return this.running.addresses.entryPoints[0]!.port;
  }

  get agentsPort(): number {
    return this.running.addresses.agents!.port;
  }

  get peersPort(): number {
    return this.running.addresses.peers!.port;
  }

  get adminPort(): number {
    return this.running.addresses.admin!.port;
  }

  /** An attached agent that does what the test says. */
  attach(options: AgentOptions = {}): Promise<AgentDouble> {
    return AgentDouble.attach(this.agentsPort, options);
  }

  connect(): Promise<RawClient> {
    return RawClient.connect(this.httpPort);
  }

  /** The sum of a metric's samples; of those with the labels given, where there are some. */
  async metric(name: string, labels = ''): Promise<number> {
    const { text } = await this.metrics.expose();
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
      .filter((line) => line.includes(labels))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }
}

/** Starts an edge on a bus; it is drained when the test is over. */
export async function startTestEdge(more: object = {}, bus = new MemoryBus()): Promise<TestEdge> {
  const metrics = new Metrics();
  const lines: LoggedLine[] = [];
  const running = await startEdge(edgeSettings(more), {
    signals: new MemorySignals(bus),
    logger: recordingLogger(lines),
    metrics,
    version: '1.2.3',
  });
  onTestFinished(() => running.drain());
  return new TestEdge(running, metrics, lines);
}

export interface Installation {
  readonly bus: MemoryBus;
  readonly router: RouterDouble;
  readonly edge: TestEdge;
}

/** A router that knows one hostname, and an edge. */
export async function startInstallation(more: object = {}): Promise<Installation> {
  const bus = new MemoryBus();
  const router = new RouterDouble(bus);
  return { bus, router, edge: await startTestEdge(more, bus) };
}

/** As `startInstallation`, with an agent and a client. */
export async function startWithAgent(more: object = {}) {
  const installation = await startInstallation(more);
  const agent = await installation.edge.attach();
  const client = await installation.edge.connect();
  return { ...installation, agent, client };
}
