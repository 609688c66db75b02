import { constants, setPriority } from 'node:os';
import { agentSchema } from '@culvert/agent/settings';
import { startAgent } from '@culvert/agent';
import { parseSettings } from '@culvert/settings';
import { silentLogger } from '@culvert/telemetry';
import type { HerdOrder, HerdReport } from './herd.ts';

const REPORT_MS = 100;

/** A process of a herd: agents that serve nothing, as many as it is told, each as `culvert agent` would run it. */
process.once('message', (order: HerdOrder) => {
  void raise(order);
});
process.once('disconnect', () => process.exit());

// Elsewhere they would have machines of their own: here edges go first.
setPriority(constants.priority.PRIORITY_LOW);

async function raise({ edges, tunnels, agents: count }: HerdOrder): Promise<void> {
  let attachments = 0;
  const agents = await Promise.all(
    Array.from({ length: count }, (_, n) => {
      const { id: tunnel, token } = tunnels[n % tunnels.length]!;
      const under = { tunnel, token, edges, links: 1, ingress: [{ service: 'http_status:503' }] };
      const settings = parseSettings('', agentSchema, { file: 'the herd', under });
      return startAgent(settings, { logger: silentLogger, onAttached: () => void attachments++ });
    }),
  );
  setInterval(() => {
    const report: HerdReport = { attached: agents.filter(({ links }) => links > 0).length, attachments };
    process.send?.(report);
  }, REPORT_MS);
}
