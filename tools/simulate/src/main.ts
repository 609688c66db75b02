import { ControlPlane } from './control-plane.ts';
import { Figures, grouped, seconds } from './figure.ts';
import { writeScaleDocument } from './scale-document.ts';
import { SimulatedEdge } from './simulated-edge.ts';
import type { Simulation } from './simulation.ts';
import { readOptions } from './size.ts';
import { churnSessions } from './stages/churn.ts';
import { loadHostnames } from './stages/hostnames.ts';
import { rebuild } from './stages/rebuild.ts';
import { resolveNames } from './stages/resolving.ts';
import { attachSessions } from './stages/sessions.ts';
import { measureTable } from './stages/table.ts';

const REGIONS = 5;

const { size, write } = readOptions(process.argv.slice(2));
const figures = new Figures((line) => console.log(line));
const began = performance.now();
const plane = await ControlPlane.start(size);
try {
  const edges = Array.from(
    { length: size.edges },
    (_, n) => new SimulatedEdge(`edge-${n}`, `region-${n % REGIONS}`, plane.nats.url),
  );
  await Promise.all(edges.map((edge) => edge.start()));
  const tunnels = Math.ceil(size.sessions / size.sessionsPerTunnel);
  const simulation: Simulation = { size, plane, edges, figures, tunnels };
  for (const stage of [loadHostnames, attachSessions, churnSessions, resolveNames, measureTable, rebuild]) {
    await stage(simulation);
  }
  await Promise.all(edges.map((edge) => edge.stop()));
} finally {
  await plane.stop();
}
console.log(`${grouped(size.hostnames)} hostnames, took ${seconds(performance.now() - began)}`);
if (write) writeScaleDocument(size, figures.all);
