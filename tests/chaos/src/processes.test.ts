import { PROCESSES } from './faults/processes.ts';
import { ONE_PLACE } from './site/plan.ts';
import { shortRun } from './testing/short-run.ts';

shortRun('processes', ONE_PLACE, PROCESSES);
