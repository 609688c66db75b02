import { routerSchema } from '@culvert/router/settings';
import { readSettings } from '@culvert/settings';
import { openRegistry } from './open-registry.ts';
import { openSignals } from './open-signals.ts';
import { serve } from './serve.ts';

/** `culvert router --config FILE`. */
export async function runRouter(file: string): Promise<void> {
  const settings = readSettings(file, routerSchema);
  await serve('router', settings, async (parts) => {
    const { startRouter } = await import('@culvert/router');
    const { logger } = parts;
    const signals = await openSignals({ ...settings, name: 'router', logger });
    const registry = await openRegistry({ ...settings, logger });
    return startRouter(settings, { ...parts, signals, registry });
  });
}
