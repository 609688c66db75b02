import { edgeSchema, type EdgeSettings } from '@culvert/edge/settings';
import { readClientTls, readFile, type ReadFile } from '@culvert/settings';
import { openSignals } from './open-signals.ts';
import { withoutReady } from './part-logger.ts';
import { serveFile, type ProcessParts } from './serve.ts';
import { fileOfWorker, joinSupervisor, type Worker } from './worker.ts';

/** `culvert edge --config FILE`. */
export async function runEdge(file: string): Promise<void> {
  const read = (): ReadFile<EdgeSettings> => readFile(file, edgeSchema);
  const worker = joinSupervisor();
  if (worker !== undefined) {
    const own = (): ReadFile<EdgeSettings> => fileOfWorker(read(), worker.number);
    return runWorker(own, worker).catch((error: unknown) => worker.failed(error));
  }
  if (read().settings.workers > 1) return (await import('./supervise.ts')).supervise(read);
  await serveFile('edge', { read, own: (edge) => edge }, start);
}

/** One of several processes that are the edge together. */
async function runWorker(read: () => ReadFile<EdgeSettings>, worker: Worker): Promise<void> {
  const source = { read, own: (edge: EdgeSettings) => edge, logFields: { worker: worker.number } };
  await serveFile('edge', source, async (settings, parts) => {
    const logger = withoutReady(parts.logger);
    const edge = await start(settings, { ...parts, logger, start: worker.start });
    const { admin } = edge.addresses;
    void edge.ready?.then(() => admin && worker.serves(admin));
    return edge;
  });
}

async function start(settings: EdgeSettings, parts: ProcessParts & { readonly start?: string }) {
  const { startEdge } = await import('@culvert/edge');
  const signals = await openSignals({
    ...settings,
    ...readClientTls(settings.natsTls),
    name: `edge ${settings.id}`,
    logger: parts.logger,
  });
  return startEdge(settings, { ...parts, signals });
}
