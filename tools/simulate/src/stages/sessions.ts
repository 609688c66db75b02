import { bytes, grouped, rate, seconds } from '../figure.ts';
import { knownSessions } from '../known-sessions.ts';
import { claimedHostname, tunnelId } from '../population.ts';
import type { Simulation } from '../simulation.ts';
import { spread } from '../spread.ts';
import { until } from '../until.ts';

const STAGE = 'sessions';
/** Agents that attach at the same time, over all edges. */
const WIDTH = 400;
/** Tunnels of other edges that an edge relays to. */
const FOLLOWED = 200;

/** Attaches all agents: each is asked for at a router, announced to Redis, and answers who holds its tunnel. */
export async function attachSessions(simulation: Simulation): Promise<void> {
  const { size, plane, edges, figures, tunnels } = simulation;
  const redisBefore = await plane.redisBytes();
  const natsBefore = await plane.natsCounts();
  const began = performance.now();
  await spread(size.sessions, WIDTH, async (n) => {
    const edge = edges[(n * 7 + Math.floor(n / tunnels)) % edges.length]!;
    const tunnel = n % tunnels;
    const hostnames = [claimedHostname(tunnel)];
    await edge.attach({ tunnel: tunnelId(tunnel), hostnames });
  });
  const took = performance.now() - began;
  const visible = await until(async () => (await knownSessions(plane.registry)) >= size.sessions, began);
  const redisAfter = await plane.redisBytes();
  const claims = Math.min(tunnels, size.sessions);
  figures.add(
    STAGE,
    `attached, all at once (${grouped(WIDTH)} at a time)`,
    `${rate(size.sessions, took / 1_000, 'sessions')} (${seconds(took)})`,
  );
  figures.add(STAGE, 'all of them in the registry', seconds(visible));
  figures.add(
    STAGE,
    `a session in Redis, of ${grouped(size.sessions)}, with its part of ${grouped(claims)} claims`,
    bytes((redisAfter - redisBefore) / size.sessions),
  );
  for (const [at, edge] of edges.entries()) {
    for (let n = 0; n < FOLLOWED; n += 1) edge.follow(tunnelId((at * 997 + n * 31) % tunnels));
  }
  const nats = await plane.natsCounts();
  figures.add(STAGE, 'NATS subscriptions', grouped(nats.subscriptions));
  figures.add(
    STAGE,
    'nats-server resident, before and after',
    `${bytes(natsBefore.mem)}, ${bytes(nats.mem)}`,
  );
  figures.add(STAGE, 'a router resident', bytes(plane.routerBytes));
  const repeated = edges.reduce((sum, edge) => sum + edge.repeated, 0);
  figures.add(STAGE, 'admissions asked for again', grouped(repeated));
}
