import type { Registry } from '@culvert/registry';
import type { RedisSettings } from '@culvert/router/settings';
import type { Logger } from '@culvert/telemetry';

export interface RegistryOptions {
  /** Absent: the registry of this process alone, gone with it. */
  readonly redis?: RedisSettings;
  readonly prefix: string;
  readonly logger: Logger;
}

/** The registry of an installation. Redis being away is waited for, and told once for each outage. */
export async function openRegistry({ redis, prefix, logger }: RegistryOptions): Promise<Registry> {
  if (redis === undefined) {
    const { MemoryRegistry } = await import('@culvert/registry');
    return new MemoryRegistry();
  }
  const { connectRedis } = await import('@culvert/registry-redis');
  return connectRedis({ redis, prefix, logger });
}
