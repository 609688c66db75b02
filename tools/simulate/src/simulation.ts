import type { ControlPlane } from './control-plane.ts';
import type { Figures } from './figure.ts';
import type { SimulatedEdge } from './simulated-edge.ts';
import type { Size } from './size.ts';

/** What every stage works on. */
export interface Simulation {
  readonly size: Size;
  readonly plane: ControlPlane;
  readonly edges: readonly SimulatedEdge[];
  readonly figures: Figures;
  /** How many tunnels there are. */
  readonly tunnels: number;
}
