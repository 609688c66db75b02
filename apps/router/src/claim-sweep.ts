import { RegistryDownError } from '@culvert/registry';
import type { Registry } from '@culvert/registry';
import type { Signals } from '@culvert/signals';
import type { Logger } from '@culvert/telemetry';
import type { Announcements } from './announcements.ts';

/** Within a grace time, claims are looked at this many times. */
const SWEEPS_PER_GRACE = 6;

export interface ClaimSweepParts {
  readonly registry: Registry;
  readonly signals: Signals;
  readonly announcements: Announcements;
  readonly logger: Logger;
}

/**
 * Removes claims that no session keeps any more. After an outage of the registry or the bus it waits a grace time,
 * because no lease could keep them meanwhile.
 */
export class ClaimSweep {
  readonly #parts: ClaimSweepParts;
  readonly #grace: number;
  readonly #timer: NodeJS.Timeout;
  readonly #unwatch: readonly (() => void)[];
  #steadySince = performance.now();

  constructor(parts: ClaimSweepParts, grace: number) {
    this.#parts = parts;
    this.#grace = grace;
    this.#timer = setInterval(() => void this.#sweep(), grace / SWEEPS_PER_GRACE);
    const restart = (): void => void (this.#steadySince = performance.now());
    this.#unwatch = [parts.registry.onState(restart), parts.signals.onState(restart)];
  }

  close(): void {
    clearInterval(this.#timer);
    for (const unwatch of this.#unwatch) unwatch();
  }

  async #sweep(): Promise<void> {
    const { registry, signals, announcements, logger } = this.#parts;
    const connected = registry.state === 'connected' && signals.state === 'connected';
    if (!connected || performance.now() - this.#steadySince < this.#grace) return;
    try {
      const expired = await registry.expireClaims();
      announcements.routesChanged(expired);
      for (const { route } of expired) logger.info('claim ended', { route: route.id, tunnel: route.tunnel });
    } catch (error) {
      if (!(error instanceof RegistryDownError)) logger.error('claims not swept', { error });
    }
  }
}
