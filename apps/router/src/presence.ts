import { RegistryDownError } from '@culvert/registry';
import type { Registry } from '@culvert/registry';
import type { EdgeByeRequest, EdgeInfo, LeaseReply, SessionsMessage } from '@culvert/signals';
import type { Logger } from '@culvert/telemetry';
import type { Admission } from './admission.ts';

/** Keeps edges' leases and sessions in the registry. */
export class Presence {
  readonly #registry: Registry;
  readonly #admission: Admission;
  readonly #logger: Logger;

  constructor(registry: Registry, admission: Admission, logger: Logger) {
    this.#registry = registry;
    this.#admission = admission;
    this.#logger = logger;
  }

  /** While the registry is away an edge is told that all is well: it will be asked for everything afterwards. */
  async lease(edge: EdgeInfo): Promise<LeaseReply> {
    try {
      const outcome = await this.#registry.renewLease(edge);
      if (outcome === 'fenced') this.#logger.warn('two processes use one edge id', { edge: edge.id });
      return { resync: outcome === 'resync' };
    } catch (error) {
      if (error instanceof RegistryDownError) return { resync: false };
      throw error;
    }
  }

  async bye({ id, boot }: EdgeByeRequest): Promise<void> {
    if ((await this.#registry.endLease(id, boot)) === 'ended') this.#logger.info('edge left', { edge: id });
  }

  /** What is lost here while the registry is away, the edge is asked for again. */
  async sessions(message: SessionsMessage): Promise<void> {
    try {
      if ((await this.#registry.applySessions(message)) === 'fenced') return;
      const up = message.mode === 'all' ? message.sessions : message.up;
      await Promise.all(up.map((session) => this.#admission.reclaim(session)));
    } catch (error) {
      if (!(error instanceof RegistryDownError)) throw error;
      this.#logger.debug('sessions not stored', { edge: message.edge, seq: message.seq });
    }
  }
}
