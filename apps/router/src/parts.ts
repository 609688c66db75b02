import { MemoryRegistry } from '@culvert/registry';
import type { Registry, RegistryTimes } from '@culvert/registry';
import { RedisRegistry } from '@culvert/registry-redis';
import type { RedisTarget } from '@culvert/registry-redis';
import { MemorySignals } from '@culvert/signals';
import type { Signals } from '@culvert/signals';
import { connectNats } from '@culvert/signals-nats';
import { OutageLog, visibleAddress } from '@culvert/telemetry';
import type { Logger, Metrics } from '@culvert/telemetry';
import type { RedisSettings, RouterSettings } from './settings.ts';

/** What a router works with. Whoever made the parts closes them, after the router has drained. */
export interface RouterParts {
  readonly signals: Signals;
  readonly registry: Registry;
  readonly logger: Logger;
  /** Where the router declares what it counts; absent: nowhere. */
  readonly metrics?: Metrics;
  /** The times that the registry was made with, where they are not the usual ones. */
  readonly times?: Partial<RegistryTimes>;
}

export interface OpenParts extends RouterParts {
  close(): Promise<void>;
}

/**
 * Connects to what the settings name; NATS and Redis that are away are waited for. Without addresses both stay
 * within this process.
 */
export function openRouterParts(
  settings: Pick<RouterSettings, 'redis' | 'nats' | 'prefix'>,
  services: { readonly logger: Logger; readonly metrics?: Metrics },
): OpenParts {
  const { logger } = services;
  const signals = openSignals(settings, logger);
  const registry = openRegistry(settings, logger);
  return {
    ...services,
    signals,
    registry,
    async close() {
      await signals.close();
      await registry.close();
    },
  };
}

function openSignals({ nats, prefix }: Pick<RouterSettings, 'nats' | 'prefix'>, logger: Logger): Signals {
  const onHandlerError = (error: unknown, subject: string): void =>
    logger.warn('signal not handled', { subject, error });
  if (nats === undefined) return new MemorySignals(undefined, { onHandlerError });
  const log = new OutageLog(logger, 'nats is not reachable; trying again', visibleAddress(nats));
  const onError = (error: unknown): void => log.failed(error);
  const signals = connectNats({ servers: nats, prefix, name: 'culvert router', onError, onHandlerError });
  signals.onState((state) => {
    if (state === 'connected') log.recovered();
  });
  return signals;
}

function openRegistry({ redis, prefix }: Pick<RouterSettings, 'redis' | 'prefix'>, logger: Logger): Registry {
  if (redis === undefined) return new MemoryRegistry();
  const target = targetOf(redis);
  const addresses = typeof target === 'object' && 'sentinels' in target ? target.sentinels : target;
  const log = new OutageLog(logger, 'redis is not reachable; trying again', visibleAddress(addresses));
  const onError = (error: unknown): void => log.failed(error);
  const registry = new RedisRegistry({
    redis: target,
    prefix: `${prefix}:`,
    name: 'culvert-router',
    onError,
  });
  registry.onState((state) => {
    if (state === 'connected') log.recovered();
  });
  return registry;
}

function targetOf(redis: RedisSettings): RedisTarget {
  switch (redis.kind) {
    case 'single':
      return redis.url;
    case 'cluster':
      return redis.urls;
    case 'sentinel':
      return { sentinels: redis.sentinels, name: redis.name };
  }
}
