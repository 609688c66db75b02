import type { Fault } from '../fault.ts';
import { CLOCKS } from './clocks.ts';
import { CONTROL_PLANE } from './control-plane.ts';
import { BROKEN_PATHS } from './paths.ts';
import { PROCESSES } from './processes.ts';
import { REGIONS } from './regions.ts';
import { REGISTRY } from './registry.ts';
import { SOAK } from './soak.ts';
import { STORMS } from './storms.ts';

export const EVERY_FAULT: readonly Fault[] = [
  ...PROCESSES,
  ...STORMS,
  ...BROKEN_PATHS,
  ...CONTROL_PLANE,
  ...REGISTRY,
  ...REGIONS,
  ...CLOCKS,
  ...SOAK,
];
