import type { ControlPlane } from '../control-plane.ts';
import { bytes, grouped, percent, rate } from '../figure.ts';
import { tunnelId } from '../population.ts';
import type { Simulation } from '../simulation.ts';

const REST_SECONDS = 15;
const TICK_MS = 20;

/** What NATS, Redis and the routers do at rest, and while sessions come and go. */
export async function churnSessions(simulation: Simulation): Promise<void> {
  const { size } = simulation;
  await watched(simulation, 'at rest', async () => {
    await new Promise((resolve) => setTimeout(resolve, REST_SECONDS * 1_000));
  });
  const name = `${grouped(size.churn)} sessions/s end, as many begin`;
  await watched(simulation, name, () => churn(simulation));
}

async function churn({ size, edges, tunnels }: Simulation): Promise<void> {
  const began = performance.now();
  const attaching = new Set<Promise<unknown>>();
  let done = 0;
  while (performance.now() - began < size.churnSeconds * 1_000) {
    const due = Math.floor(((performance.now() - began) / 1_000) * size.churn);
    for (; done < due; done += 1) {
      const edge = edges[done % edges.length]!;
      const [oldest] = edge.sessions;
      if (oldest !== undefined) edge.detach(oldest);
      const tunnel = (done * 13) % tunnels;
      const next = edges[(done * 7 + 1) % edges.length]!;
      const arrival = { tunnel: tunnelId(tunnel), hostnames: [] };
      const one = next.attach(arrival).finally(() => attaching.delete(one));
      attaching.add(one);
    }
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  await Promise.all(attaching);
}

async function watched(
  { plane, figures }: Simulation,
  stage: string,
  work: () => Promise<void>,
): Promise<void> {
  const before = await look(plane);
  await work();
  const after = await look(plane);
  const time = (after.at - before.at) / 1_000;
  const nats = (key: 'in_msgs' | 'out_msgs' | 'in_bytes' | 'out_bytes'): number =>
    after.nats[key] - before.nats[key];
  figures.add(
    stage,
    'NATS in',
    `${rate(nats('in_msgs'), time, 'messages')}, ${bytes(nats('in_bytes') / time)}/s`,
  );
  figures.add(
    stage,
    'NATS out',
    `${rate(nats('out_msgs'), time, 'messages')}, ${bytes(nats('out_bytes') / time)}/s`,
  );
  figures.add(stage, 'Redis', rate(after.commands - before.commands, time, 'commands'));
  for (const part of ['nats', 'redis', 'routers'] as const) {
    const share = (after.seconds[part] - before.seconds[part]) / time;
    figures.add(stage, `CPU of ${part === 'routers' ? 'all routers' : part}, of one core`, percent(share));
  }
}

async function look(plane: ControlPlane) {
  const [nats, commands] = await Promise.all([plane.natsCounts(), plane.redisCommands()]);
  return { at: performance.now(), nats, commands, seconds: plane.seconds };
}
