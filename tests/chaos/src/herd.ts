import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { eventually } from '@culvert/testkit';

/** More in one process hold each other up. */
const AGENTS_A_PROCESS = 2_500;

/** What a process of a herd is to do. */
export interface HerdOrder {
  readonly agents: number;
  /** The first one is where all of them go while they can. */
  readonly edges: readonly string[];
  /** Shared out among them. */
  readonly tunnels: readonly { readonly id: string; readonly token: string }[];
}

/** What it tells, over and over. */
export interface HerdReport {
  /** Agents that have a link now. */
  readonly attached: number;
  /** Links that were attached since the beginning. */
  readonly attachments: number;
}

interface Member {
  readonly child: ChildProcess;
  report: HerdReport;
}

/**
 * Any number of agents that serve nothing, many to a process and with one link each: they come and go all at once. They
 * are the product's own, so they spread out, back off and obey as it does.
 */
export class Herd implements AsyncDisposable {
  readonly size: number;
  readonly #members: readonly Member[];

  private constructor(order: HerdOrder) {
    this.size = order.agents;
    const processes = Math.ceil(order.agents / AGENTS_A_PROCESS);
    this.#members = Array.from({ length: processes }, (_, n) => {
      const agents = Math.floor((order.agents + n) / processes);
      const child = fork(join(import.meta.dirname, 'herd-process.ts'), {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        execArgv: [],
      });
      const member = { child, report: { attached: 0, attachments: 0 } };
      child.on('message', (report: HerdReport) => void (member.report = report));
      child.send({ ...order, agents } satisfies HerdOrder);
      return member;
    });
  }

  /** Resolves when all are attached. */
  static async raise(order: HerdOrder, timeoutMs: number): Promise<Herd> {
    const herd = new Herd(order);
    try {
      await herd.attached(herd.size, timeoutMs);
    } catch (error) {
      await herd[Symbol.asyncDispose]();
      throw error;
    }
    return herd;
  }

  /** Links that were attached so far. */
  get attachments(): number {
    return this.#members.reduce((sum, { report }) => sum + report.attachments, 0);
  }

  /** Resolves when all have a link, and so many links were attached since the beginning. */
  async attached(attachments: number, timeoutMs: number): Promise<void> {
    const isAttached = ({ report }: Member, size: number): number => size + report.attached;
    await eventually(
      () =>
        this.attachments >= attachments &&
        this.#members.reduce((n, one) => isAttached(one, n), 0) === this.size,
      { timeoutMs },
    );
  }

  /** All of them are gone at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#members.map(async ({ child }) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill('SIGKILL');
        await once(child, 'exit');
      }),
    );
  }
}
