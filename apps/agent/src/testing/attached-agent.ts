import { silentLogger } from '@culvert/telemetry';
import { startAgent, type RunningAgent } from '../agent.ts';
import { agentSettings } from './agent-kit.ts';
import { EdgeDouble } from './edge-double.ts';

/** An agent that is attached to one edge, and the edge. */
export interface AttachedAgent {
  readonly edge: EdgeDouble;
  readonly agent: RunningAgent;
  stop(): Promise<void>;
}

/** @param ingress its rules; a text stands for one rule that leads everything there */
export async function attachAgent(
  ingress: string | readonly object[],
  more: object = {},
): Promise<AttachedAgent> {
  const edge = await EdgeDouble.start();
  const rules = typeof ingress === 'string' ? [{ service: ingress }] : ingress;
  const agent = await startAgent(agentSettings([edge.address], rules, { drainTimeout: '1s', ...more }), {
    logger: silentLogger,
  });
  await agent.attached;
  const stop = async (): Promise<void> => {
    await agent.drain();
    await edge.stop();
  };
  return { edge, agent, stop };
}

/** A request head as the edge sends it. */
export function get(path = '/', fields = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: app.test\r\n${fields}\r\n`;
}

export function post(fields: string, method = 'POST'): string {
  return `${method} / HTTP/1.1\r\nHost: app.test\r\n${fields}\r\n`;
}
