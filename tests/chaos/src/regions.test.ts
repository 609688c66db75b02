import { REGIONS } from './faults/regions.ts';
import { TWO_REGIONS } from './site/plan.ts';
import { shortRun } from './testing/short-run.ts';

shortRun('two regions', TWO_REGIONS, REGIONS);
