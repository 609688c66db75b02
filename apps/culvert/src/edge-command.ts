import { edgeSchema, type EdgeSettings } from '@culvert/edge/settings';
import { readClientTls, readFile } from '@culvert/settings';
import { openSignals } from './open-signals.ts';
import { serveFile } from './serve.ts';

/** `culvert edge --config FILE`. */
export async function runEdge(file: string): Promise<void> {
  const source = { read: () => readFile(file, edgeSchema), own: (settings: EdgeSettings) => settings };
  await serveFile('edge', source, async (settings, parts) => {
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
