import { routerSchema, type RouterSettings } from '@culvert/router/settings';
import { readFile } from '@culvert/settings';
import { serveFile } from './serve.ts';

/** `culvert router --config FILE`. */
export async function runRouter(file: string): Promise<void> {
  const source = { read: () => readFile(file, routerSchema), own: (settings: RouterSettings) => settings };
  await serveFile('router', source, async (settings, { logger, metrics }) => {
    const { openRouterParts, startRouter } = await import('@culvert/router');
    const parts = openRouterParts(settings, { logger, metrics });
    const router = await startRouter(settings, parts);
    void router.ready.then(() => logger.info('ready', { admin: router.admin }));
    return {
      live: router.live,
      ready: router.ready,
      ...(settings.redis === undefined ? { bound: 'its registry lives in its process' } : {}),
      drain: async () => {
        await router.drain();
        await parts.close();
      },
    };
  });
}
