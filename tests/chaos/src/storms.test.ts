import { STORMS } from './faults/storms.ts';
import { ONE_PLACE } from './site/plan.ts';
import { shortRun } from './testing/short-run.ts';

shortRun('storms', ONE_PLACE, STORMS);
