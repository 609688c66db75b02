import { routeId } from '@culvert/registry';
import { bytes, grouped, rate, seconds } from '../figure.ts';
import { hostname, tokenDigest, tunnelId } from '../population.ts';
import type { Simulation } from '../simulation.ts';
import { spread } from '../spread.ts';

const STAGE = 'hostnames';
/** Writes on their way at a time. */
const WIDTH = 500;

/** Fills the registry: tunnels with their tokens, then hostnames, as the API and the file do. */
export async function loadHostnames({ size, plane, figures, tunnels }: Simulation): Promise<void> {
  const { registry } = plane;
  const createdAt = Date.now();
  const before = await plane.redisBytes();
  await spread(tunnels, WIDTH, async (n) => {
    const digest = tokenDigest(n);
    const source = 'api';
    await registry.putTunnel({ id: tunnelId(n), name: `customer-${n}`, createdAt, source });
    const scope = { tunnels: [tunnelId(n)], hostnames: ['.example.net'], ports: [] };
    await registry.putToken({
      id: digest.slice(0, 32),
      name: `customer-${n}`,
      digest,
      ...scope,
      createdAt,
      source,
    });
  });
  const withTunnels = await plane.redisBytes();
  figures.add(
    STAGE,
    `a tunnel with its token, of ${grouped(tunnels)}`,
    bytes((withTunnels - before) / tunnels),
  );
  const added = size.hostnames - size.fileHostnames;
  const began = performance.now();
  await spread(added, WIDTH, async (n) => {
    const name = hostname(n);
    const route = { id: routeId({ hostname: name }), hostname: name, tunnel: tunnelId(n % tunnels) };
    await registry.putRoute({ route, source: 'api' }, 'replace');
  });
  const took = performance.now() - began;
  const after = await plane.redisBytes();
  figures.add(STAGE, `a hostname, of ${grouped(size.hostnames)}`, bytes((after - withTunnels) / added));
  figures.add(STAGE, 'Redis in all', bytes(after));
  figures.add(STAGE, 'written by one client', `${rate(added, took / 1_000, 'hostnames')} (${seconds(took)})`);
}
