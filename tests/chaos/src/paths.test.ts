import { BROKEN_PATHS } from './faults/paths.ts';
import { ONE_PLACE } from './site/plan.ts';
import { shortRun } from './testing/short-run.ts';

shortRun('broken paths', ONE_PLACE, BROKEN_PATHS);
