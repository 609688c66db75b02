import { connect } from 'node:net';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { Actor } from './actor.ts';
import type { Contestant, Member, Plan, Role, Skill } from './contestants/contestant.ts';
import { until } from './deadline.ts';
import { BenchFault } from './fault.ts';
import { answers, type Address } from './held-connection.ts';
import type { Stage } from './stage.ts';
import type { Upstream } from './upstream.ts';

/** How long, in milliseconds, one process and then the whole chain may take to come up. */
const START_MS = 15_000;

/** A contestant that is up: its address and the processes of each role. */
export class Running implements Address {
  readonly port: number;
  readonly hostname: string;
  /** Where it terminates TLS; 0: nowhere. */
  readonly tlsPort: number;
  /** Where it answers /healthz; 0: nowhere. */
  readonly adminPort: number;
  readonly skills: ReadonlySet<Skill>;
  /** Milliseconds from starting the server process until it said or showed that it can take work. */
  readonly serverReadyMs: number;
  /** Milliseconds from starting the first process until a client got its first answer. */
  readonly firstAnswerMs: number;
  readonly #cast: readonly Cast[];
  readonly #stage: Stage;

  private constructor(stage: Stage, plan: Plan, cast: readonly Cast[], firstAnswerMs: number) {
    this.#stage = stage;
    this.#cast = cast;
    this.port = plan.port;
    this.hostname = plan.hostname;
    this.tlsPort = plan.tlsPort ?? 0;
    this.adminPort = plan.adminPort ?? 0;
    this.skills = new Set([
      ...(plan.tlsPort === undefined ? [] : (['tls'] as const)),
      ...(plan.grpc === true ? (['grpc'] as const) : []),
      ...(plan.workers === undefined ? [] : (['workers'] as const)),
    ]);
    this.serverReadyMs = cast.find(({ member }) => member.role === 'server')?.readyMs ?? 0;
    this.firstAnswerMs = firstAnswerMs;
  }

  /** Starts all members in their order and waits until the contestant answers 200. */
  static async start(stage: Stage, contestant: Contestant, upstream: Upstream): Promise<Running> {
    const folder = mkdtempSync(join(stage.folder, `${contestant.name}-`));
    const plan = await contestant.plan({
      upstream: upstream.port,
      grpcUpstream: upstream.grpcPort,
      certificate: upstream.certificate,
      folder,
      port: () => stage.port(),
    });
    const cast: Cast[] = [];
    const started = performance.now();
    try {
      for (const member of plan.members) {
        const entering = enter(stage, member);
        cast.push(entering);
        await ready(entering);
      }
      await until(() => answers(plan), { what: 'answer', every: 10, within: START_MS });
    } catch (error) {
      await stage.release(cast.map(({ actor }) => actor));
      throw new BenchFault(`${contestant.name} did not come up: ${describe(error, cast.at(-1))}`, {
        cause: error,
      });
    }
    return new Running(stage, plan, cast, performance.now() - started);
  }

  /** All living processes of a role. */
  pids(role: Role): number[] {
    return this.#cast.flatMap(({ member, actor }) => (member.role === role ? actor.pids() : []));
  }

  /** The roles that have a process, in the order server, agent, control. */
  get roles(): readonly Role[] {
    return (['server', 'agent', 'control'] as const).filter((role) => this.pids(role).length > 0);
  }

  /** Stops all members, the last one started first, so that none loses what it depends on. */
  async stop(): Promise<void> {
    for (const { actor } of this.#cast.toReversed()) await this.#stage.release([actor]);
  }
}

interface Cast {
  readonly member: Member;
  readonly actor: Actor;
  readonly startedAt: number;
  readyMs: number;
}

function enter(stage: Stage, member: Member): Cast {
  return { member, actor: stage.start(member), startedAt: performance.now(), readyMs: 0 };
}

async function ready(cast: Cast): Promise<void> {
  const { member, actor } = cast;
  await until(() => isReady(member, actor), {
    what: `sign of life of ${member.label}`,
    every: 4,
    within: START_MS,
  });
  cast.readyMs = performance.now() - cast.startedAt;
}

/** Says what went wrong, with the last that the last started member wrote. */
function describe(error: unknown, last: Cast | undefined): string {
  const reason = error instanceof Error ? error.message : String(error);
  return last === undefined ? reason : `${reason}\n${last.actor.output().slice(-2_000)}`;
}

function isReady({ ready, label }: Member, actor: Actor): Promise<true | undefined> | true | undefined {
  if (actor.end !== undefined) throw new BenchFault(`${label} ended with ${actor.end}`);
  if (ready === 'unknown') return true;
  return 'port' in ready ? accepts(ready.port) : ready.line.test(actor.output()) || undefined;
}

function accepts(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(undefined));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
