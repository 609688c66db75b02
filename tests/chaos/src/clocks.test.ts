import { CLOCKS } from './faults/clocks.ts';
import { WRONG_CLOCKS } from './site/plan.ts';
import { shortRun } from './testing/short-run.ts';

shortRun('wrong clocks', WRONG_CLOCKS, CLOCKS);
