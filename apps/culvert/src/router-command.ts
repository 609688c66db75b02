import { routerSchema } from '@culvert/router/settings';
import { readSettings } from '@culvert/settings';
import { serve } from './serve.ts';

/** `culvert router --config FILE`. */
export async function runRouter(file: string): Promise<void> {
  const settings = readSettings(file, routerSchema);
  await serve('router', settings, async ({ logger, metrics }) => {
    const { openRouterParts, startRouter } = await import('@culvert/router');
    const parts = openRouterParts(settings, { logger, metrics });
    const router = await startRouter(settings, parts);
    void router.ready.then(() => logger.info('ready', { admin: router.admin }));
    return {
      drain: async () => {
        await router.drain();
        await parts.close();
      },
    };
  });
}
