import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { Metrics, startAdminServer, type AdminServer, type Logger } from '@culvert/telemetry';
import type { ListenAddress } from '@culvert/lifecycle';
import { mergeMetrics } from './merged-metrics.ts';
import type { Serving, Supervisor } from './supervisor.ts';

/** A worker that does not answer in this time is left out, ms. */
const ANSWER_TIMEOUT_MS = 2_000;

// See the admin server.
const http = process.getBuiltinModule('node:http');

/** The admin address of an edge with workers: each path answers for all of them. */
export function serveWorkersAdmin(
  listen: ListenAddress,
  supervisor: Supervisor,
  logger: Logger,
  draining: () => boolean,
): Promise<AdminServer> {
  const own = new Metrics();
  own.gauge('culvert_edge_workers', 'workers that serve', () => supervisor.serving.length);
  own.counter('culvert_edge_worker_restarts_total', 'workers started again', () => supervisor.restarts);
  return startAdminServer({
    listen,
    logger,
    ready: () => {
      if (draining()) return 'draining';
      return supervisor.serving.length > 0 || 'no worker serves';
    },
    metrics: {
      expose: async () => {
        const { contentType, text: ownText } = await own.expose();
        const all = await askAll(supervisor.serving, '/metrics');
        const merged = mergeMetrics(all.map(({ worker, answer }) => ({ worker, text: answer })));
        return { contentType, text: `${ownText}\n${merged}` };
      },
    },
    status: async () => {
      const all = await askAll(supervisor.serving, '/status');
      return { workers: all.map(({ answer }) => JSON.parse(answer) as unknown) };
    },
  });
}

/** What those that serve answer. */
async function askAll(
  workers: readonly Serving[],
  path: string,
): Promise<{ readonly worker: number; readonly answer: string }[]> {
  const answers = workers.map(async ({ worker, admin }) => ({ worker, answer: await ask(admin, path) }));
  const settled = await Promise.allSettled(answers);
  return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}

function ask({ host, port }: ListenAddress, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host, port, path, agent: false, timeout: ANSWER_TIMEOUT_MS });
    request.once('response', (response: IncomingMessage) => void text(response).then(resolve, reject));
    request.once('timeout', () => request.destroy());
    request.once('error', reject);
  });
}
