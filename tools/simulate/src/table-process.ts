import { hostname } from './population.ts';
import { SimulatedEdge } from './simulated-edge.ts';
import { spread } from './spread.ts';

/** What names add to an edge, in bytes. */
export interface TableSize {
  readonly heap: number;
  readonly resident: number;
}

const [nats = '', count = '0'] = process.argv.slice(2);
const edge = new SimulatedEdge('table', 'table', nats);
await edge.start();
const before = measure();
await spread(Number(count), 64, (n) => edge.resolver.resolve(hostname(n)));
const after = measure();
const sizes: TableSize = { heap: after.heap - before.heap, resident: after.resident - before.resident };
process.send?.(sizes);
await edge.stop();
process.disconnect?.();

function measure(): TableSize {
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, resident: rss };
}
