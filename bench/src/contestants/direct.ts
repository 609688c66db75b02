import type { Contestant, Plan, Site } from './contestant.ts';

/** The upstream itself: what the load generator and the machine can do without anything in between. */
export const direct: Contestant = {
  name: 'direct',
  setup: 'the upstream of all, 1 worker',
  programs: ['nginx'],
  version: ['-v'],
  plan: (site: Site): Promise<Plan> =>
    Promise.resolve({ port: site.upstream, hostname: '127.0.0.1', members: [] }),
};
