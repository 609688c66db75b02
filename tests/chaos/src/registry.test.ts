import { REGISTRY } from './faults/registry.ts';
import { BEHIND_SENTINELS, ON_CLUSTER } from './site/plan.ts';
import { shortRun } from './testing/short-run.ts';

shortRun('redis behind sentinels', BEHIND_SENTINELS, REGISTRY);
shortRun('redis cluster', ON_CLUSTER, REGISTRY);
