import { routeId } from '@culvert/registry';
import { grouped, seconds } from '../figure.ts';
import { knownSessions } from '../known-sessions.ts';
import { claimedHostname, hostname } from '../population.ts';
import type { Simulation } from '../simulation.ts';
import { until } from '../until.ts';

const STAGE = 'Redis emptied';
/** Claims that are looked at, spread over all. */
const SAMPLED = 500;

/** Empties Redis and waits for what comes back by itself: the file's hostnames, all sessions, what they claim. */
export async function rebuild({ size, plane, edges, figures, tunnels }: Simulation): Promise<void> {
  const { registry } = plane;
  const sessions = edges.reduce((sum, edge) => sum + edge.sessionCount, 0);
  const claims = claimsOf(edges, tunnels);
  const exists = async (name: string): Promise<boolean> =>
    (await registry.route(routeId({ hostname: name }))) !== undefined;
  await plane.redisCommand('flushall');
  const began = performance.now();
  const lastOfFile = hostname(size.hostnames - size.fileHostnames);
  const file = await until(() => exists(lastOfFile), began);
  figures.add(STAGE, `${grouped(size.fileHostnames)} hostnames of the routers' file, after`, seconds(file));
  const all = await until(async () => (await knownSessions(registry)) >= sessions, began);
  figures.add(STAGE, `${grouped(sessions)} sessions, after`, seconds(all));
  const step = Math.max(1, Math.floor(claims.length / SAMPLED));
  const sample = claims.filter((_, at) => at % step === 0);
  const claimed = await until(async () => (await Promise.all(sample.map(exists))).every(Boolean), began);
  figures.add(STAGE, `${grouped(claims.length)} hostnames that sessions claim, after`, seconds(claimed));
}

/** What the sessions that are attached now claim. */
function claimsOf(edges: Simulation['edges'], tunnels: number): string[] {
  const claimed = new Set<string>();
  for (const edge of edges)
    for (const { claims } of edge.sessions) claims.hostnames.forEach((name) => claimed.add(name));
  return Array.from({ length: tunnels }, (_, n) => claimedHostname(n)).filter((name) => claimed.has(name));
}
