import { edgeSchema } from '@culvert/edge/settings';
import { readClientTls, readSettings } from '@culvert/settings';
import { openSignals } from './open-signals.ts';
import { serve } from './serve.ts';

/** `culvert edge --config FILE`. */
export async function runEdge(file: string): Promise<void> {
  const settings = readSettings(file, edgeSchema);
  await serve('edge', settings, async (parts) => {
    const { startEdge } = await import('@culvert/edge');
    const signals = await openSignals({
      ...settings,
      ...readClientTls(settings.natsTls),
      name: `edge ${settings.id}`,
      logger: parts.logger,
    });
    return startEdge(settings, { ...parts, signals });
  });
}
