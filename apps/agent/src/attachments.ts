import type { AgentLink } from './attach/agent-link.ts';
import type { LinkSupervisor } from './attach/link-supervisor.ts';

/** The longest time that a timer can wait, in ms: links of earlier settings end with their last stream. */
const UNLIMITED = 2 ** 31 - 1;

/**
 * All links of the agent. When settings change that links were made with, another supervisor makes new ones; as soon
 * as it has one, those of before take no new streams and end with the last running one.
 */
export class Attachments {
  /** The newest last. */
  #supervisors: readonly LinkSupervisor[] = [];

  get links(): AgentLink[] {
    return this.#supervisors.flatMap((supervisor) => [...supervisor.links]);
  }

  /** Links that take streams. */
  get attached(): number {
    return this.#supervisors.reduce((sum, supervisor) => sum + supervisor.attached, 0);
  }

  /** Whether any link takes streams: an edge that drains goes on using those that are left to it. */
  get serves(): boolean {
    return this.#supervisors.some((supervisor) => supervisor.serves);
  }

  onSlept(): void {
    for (const supervisor of this.#supervisors) supervisor.onSlept();
  }

  onAddresses(came: ReadonlySet<string>, gone: ReadonlySet<string>): void {
    for (const supervisor of this.#supervisors) supervisor.onAddresses(came, gone);
  }

  /** Begins to make the supervisor's links, which are to replace all others. */
  start(supervisor: LinkSupervisor): void {
    this.#supervisors = [...this.#supervisors, supervisor];
    supervisor.start();
  }

  /** The supervisor has a link. */
  onAttached(supervisor: LinkSupervisor): void {
    const former = this.#supervisors.slice(0, this.#supervisors.indexOf(supervisor));
    for (const one of former) {
      // One that has begun to drain says it again to nobody.
      void one.drain(UNLIMITED).then(() => this.#forget(one));
    }
  }

  async drain(timeoutMs: number): Promise<void> {
    await Promise.all(this.#supervisors.map((supervisor) => supervisor.drain(timeoutMs)));
  }

  #forget(supervisor: LinkSupervisor): void {
    this.#supervisors = this.#supervisors.filter((one) => one !== supervisor);
  }
}
