import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '@culvert/testkit';
import type { ConfiguredService } from '@culvert/testkit';
import type { Fault, Stage } from '../fault.ts';
import { READING } from '../mixture.ts';
import { EVERYTHING, IDEMPOTENT, QUICK } from '../outcome.ts';
import { ONE_PLACE } from '../site/plan.ts';
import { sessionsAt } from '../site/views.ts';
import { replaceEach } from './successors.ts';

/** An edge's lease lasts 10 s after it was renewed last, and routers look every few seconds. */
const LEASE_END_MS = 20_000;
const VIEWS_MS = 10_000;
/** For an agent that wakes up to be attached again. */
const BACK_MS = 5_000;

/** One after the other: told to stop, awaited, started again. */
async function roll(services: readonly ConfiguredService[], stage: Stage): Promise<void> {
  for (const service of services) {
    const { status, signal } = await service.stop('SIGTERM');
    stage.require(`${service.file} ends with 0, not ${status ?? signal ?? ''}`, status === 0);
    await service.start();
  }
  stage.isOver();
}

const servicesOf = (nodes: readonly { readonly service: ConfiguredService }[]): ConfiguredService[] =>
  nodes.map(({ service }) => service);

/** The first, or in a thorough run each in turn. */
function victims<Node>(nodes: readonly Node[], { pace }: Stage): readonly Node[] {
  return pace.everyone ? nodes : nodes.slice(0, 1);
}

const rolling: readonly Fault[] = [
  {
    name: 'roll-edges',
    law: 'all edges restarted one after the other under load, uploads and WebSockets included: nothing fails',
    plan: ONE_PLACE,
    bounds: { unfailing: EVERYTHING, viewsMs: VIEWS_MS },
    run: (stage) => roll(servicesOf(stage.site.edges), stage),
  },
  {
    name: 'roll-agents',
    law: 'all agents restarted one after the other under load: nothing fails',
    plan: ONE_PLACE,
    bounds: { unfailing: EVERYTHING, viewsMs: VIEWS_MS },
    run: (stage) => roll(servicesOf(stage.site.agents), stage),
  },
  {
    name: 'roll-routers',
    law: 'all routers restarted one after the other under load: nothing fails',
    plan: ONE_PLACE,
    bounds: { unfailing: EVERYTHING, viewsMs: VIEWS_MS },
    run: (stage) => roll(servicesOf(stage.site.routers), stage),
  },
];

const replacing = (name: string, who: string, of: (stage: Stage) => readonly ConfiguredService[]): Fault => ({
  name,
  law: `${who} hand over to new processes one after the other under load (SIGUSR2): nothing fails`,
  plan: ONE_PLACE,
  longOnly: true,
  bounds: { unfailing: EVERYTHING, viewsMs: VIEWS_MS },
  async run(stage) {
    await replaceEach(of(stage));
    stage.isOver();
  },
});

const handingOver: readonly Fault[] = [
  replacing('replace-edges', 'all edges', ({ site }) => servicesOf(site.edges)),
  replacing('replace-agents', 'all agents', ({ site }) => servicesOf(site.agents)),
  replacing('replace-routers', 'all routers', ({ site }) => servicesOf(site.routers)),
];

const edges: readonly Fault[] = [
  {
    name: 'kill-edge',
    law: 'an edge killed with clients on the others: nothing that may be repeated fails',
    plan: ONE_PLACE,
    bounds: { unfailing: IDEMPOTENT, viewsMs: LEASE_END_MS },
    leftOut: () => ['eu-1'],
    async run(stage) {
      const { service } = stage.site.edge('eu-1');
      await service.stop('SIGKILL');
      await delay(stage.pace.disturbanceMs);
      await service.start();
      stage.isOver();
    },
  },
  {
    name: 'freeze-edge',
    law: 'an edge that hangs with clients on the others: nothing that may be repeated fails',
    plan: ONE_PLACE,
    bounds: { unfailing: IDEMPOTENT, slowestMs: 3_000, viewsMs: VIEWS_MS },
    leftOut: () => ['eu-1'],
    async run(stage) {
      const { process } = stage.site.edge('eu-1').service;
      process.signal('SIGSTOP');
      await delay(stage.pace.disturbanceMs);
      process.signal('SIGCONT');
      stage.isOver();
    },
  },
];

const agents: readonly Fault[] = [
  {
    name: 'kill-agent',
    law: 'one of two agents killed: nothing that may be repeated fails',
    plan: ONE_PLACE,
    bounds: { unfailing: IDEMPOTENT, viewsMs: VIEWS_MS },
    async run(stage) {
      for (const { service } of victims(stage.site.agents, stage)) {
        await service.stop('SIGKILL');
        await delay(2_000);
        await service.start();
      }
      stage.isOver();
    },
  },
  {
    name: 'freeze-agent',
    law: 'one of two agents hangs at 50 requests a second: nothing fails, nobody waits longer than 2 s, it is out of the pool within 6 s, and back within 5 s of its awakening',
    plan: ONE_PLACE,
    bounds: { unfailing: IDEMPOTENT, slowestMs: 2_000, viewsMs: VIEWS_MS },
    work: READING,
    async run(stage) {
      for (const agent of victims(stage.site.agents, stage)) {
        const before = await sessionsAt(stage.site, agent);
        const frozenAt = performance.now();
        agent.service.process.signal('SIGSTOP');
        let seenAt = frozenAt;
        const isOut = async (): Promise<boolean> => {
          const askedAt = performance.now();
          if ((await before.remaining()) === 0) return true;
          seenAt = askedAt;
          return false;
        };
        await eventually(isOut, { timeoutMs: 30_000 });
        stage.measure(`${agent.name} was in the pools for`, seenAt - frozenAt, 6_000, 'ms');
        await delay(1_000);
        const wokeAt = performance.now();
        agent.service.process.signal('SIGCONT');
        await eventually(() => before.renewed().catch(() => false), { timeoutMs: 30_000 });
        stage.measure(`${agent.name} was attached again after`, performance.now() - wokeAt, BACK_MS, 'ms');
      }
      stage.isOver();
    },
  },
  {
    name: 'stop-service',
    law: 'the local service of one of two agents stopped: nothing fails',
    plan: ONE_PLACE,
    bounds: { unfailing: QUICK, viewsMs: VIEWS_MS },
    async run(stage) {
      for (const { local } of victims(stage.site.agents, stage)) {
        await local.stop();
        await delay(stage.pace.disturbanceMs / 2);
        await local.resume();
      }
      stage.isOver();
    },
  },
];

const routers: readonly Fault[] = [
  {
    name: 'kill-router',
    law: 'one of two routers killed: nothing fails',
    plan: ONE_PLACE,
    bounds: { unfailing: EVERYTHING, viewsMs: VIEWS_MS },
    async run(stage) {
      for (const { service } of victims(stage.site.routers, stage)) {
        await service.stop('SIGKILL');
        await delay(2_000);
        await service.start();
      }
      stage.isOver();
    },
  },
  {
    name: 'freeze-router',
    law: 'one of two routers hangs: nothing fails',
    plan: ONE_PLACE,
    bounds: { unfailing: EVERYTHING, viewsMs: VIEWS_MS },
    async run(stage) {
      for (const { service } of victims(stage.site.routers, stage)) {
        service.process.signal('SIGSTOP');
        await delay(stage.pace.disturbanceMs);
        service.process.signal('SIGCONT');
      }
      stage.isOver();
    },
  },
];

/** Edges, agents, routers and local services that die, hang or are restarted. */
export const PROCESSES: readonly Fault[] = [...rolling, ...handingOver, ...edges, ...agents, ...routers];
