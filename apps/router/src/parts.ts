import { MemoryRegistry } from '@culvert/registry';
import type { Registry, RegistryTimes } from '@culvert/registry';
import { RedisRegistry } from '@culvert/registry-redis';
import type { RedisTarget } from '@culvert/registry-redis';
import { readClientTls } from '@culvert/settings';
import { MemorySignals } from '@culvert/signals';
import type { Signals } from '@culvert/signals';
import { connectNats } from '@culvert/signals-nats';
import { OutageLog, visibleAddress } from '@culvert/telemetry';
import type { Logger, Metrics } from '@culvert/telemetry';
import { ReplicatedRegistry } from './replicated-registry.ts';
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

type PartsSettings = Pick<
  RouterSettings,
  'redis' | 'redisReplica' | 'redisTls' | 'nats' | 'natsTls' | 'prefix'
>;

/**
 * Connects to what the settings name; NATS and Redis that are away are waited for. Without addresses both stay
 * within this process.
 */
export function openRouterParts(
  settings: PartsSettings,
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

function openSignals({ nats, natsTls, prefix }: PartsSettings, logger: Logger): Signals {
  const onHandlerError = (error: unknown, subject: string): void =>
    logger.warn('signal not handled', { subject, error });
  if (nats === undefined) return new MemorySignals(undefined, { onHandlerError });
  const log = new OutageLog(logger, 'nats is not reachable; trying again', visibleAddress(nats));
  const onError = (error: unknown): void => log.failed(error);
  const signals = connectNats({
    servers: nats,
    ...readClientTls(natsTls),
    prefix,
    name: 'culvert router',
    onError,
    onHandlerError,
  });
  signals.onState((state) => {
    if (state === 'connected') log.recovered();
  });
  return signals;
}

function openRegistry(settings: PartsSettings, logger: Logger): Registry {
  const { redis, redisReplica } = settings;
  if (redis === undefined) return new MemoryRegistry();
  const primary = openRedis(targetOf(redis), settings, logger);
  if (redisReplica === undefined) return primary;
  return new ReplicatedRegistry(primary, openRedis(redisReplica, settings, logger));
}

function openRedis(target: RedisTarget, { prefix, redisTls }: PartsSettings, logger: Logger): Registry {
  const addresses = typeof target === 'object' && 'sentinels' in target ? target.sentinels : target;
  const log = new OutageLog(logger, 'redis is not reachable; trying again', visibleAddress(addresses));
  const onError = (error: unknown): void => log.failed(error);
  const registry = new RedisRegistry({
    redis: target,
    ...readClientTls(redisTls),
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
      return sentinelTarget(redis);
  }
}

function sentinelTarget({
  sentinels,
  name,
  username,
  password,
  sentinelPassword,
}: Extract<RedisSettings, { kind: 'sentinel' }>): RedisTarget {
  return {
    sentinels,
    name,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password: password.reveal() }),
    ...(sentinelPassword === undefined ? {} : { sentinelPassword: sentinelPassword.reveal() }),
  };
}
