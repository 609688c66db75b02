import { CONTROL_PLANE } from './faults/control-plane.ts';
import { ONE_PLACE } from './site/plan.ts';
import { shortRun } from './testing/short-run.ts';

shortRun('the control plane', ONE_PLACE, CONTROL_PLANE);
