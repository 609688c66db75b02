import { agentSchema } from '@culvert/agent/settings';
import { readSettings } from '@culvert/settings';
import { serve } from './serve.ts';

/** `culvert agent --config FILE`. */
export async function runAgent(file: string): Promise<void> {
  const settings = readSettings(file, agentSchema);
  await serve('agent', settings, async (parts) => {
    const { startAgent } = await import('@culvert/agent');
    return startAgent(settings, parts);
  });
}
