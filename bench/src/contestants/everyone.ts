import { bore } from './bore.ts';
import { chisel } from './chisel.ts';
import type { Contestant } from './contestant.ts';
import { culvert, culvertWorkers } from './culvert.ts';
import { direct } from './direct.ts';
import { frp, frpPool } from './frp.ts';
import { gost } from './gost.ts';
import { haproxy } from './haproxy.ts';
import { nginx } from './nginx.ts';
import { piko } from './piko.ts';
import { rathole } from './rathole.ts';

/** All contestants the bench knows, in the order of its tables. */
export const everyone: readonly Contestant[] = [
  direct,
  nginx,
  haproxy,
  culvert,
  culvertWorkers,
  rathole,
  bore,
  frp,
  frpPool,
  piko,
  gost,
  chisel,
];
