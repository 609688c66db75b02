import { agentSchema, type AgentSettings } from '@culvert/agent/settings';
import { readFile } from '@culvert/settings';
import { serveFile } from './serve.ts';

/** `culvert agent --config FILE`. */
export async function runAgent(file: string): Promise<void> {
  const source = { read: () => readFile(file, agentSchema), own: (settings: AgentSettings) => settings };
  await serveFile('agent', source, async (settings, parts) => {
    const { startAgent } = await import('@culvert/agent');
    return startAgent(settings, parts);
  });
}
