import { formatAddress } from '@culvert/lifecycle';
import type { ListenAddress } from '@culvert/lifecycle';

interface Listener {
  readonly listen: ListenAddress;
  readonly advertise?: string | undefined;
}

const ANYWHERE = new Set(['', '0.0.0.0', '::']);

/** What others are told of a listener: what is configured, or where it listens when that names a host. */
export function advertised(
  listener: Listener | undefined,
  bound: ListenAddress | undefined,
): string | undefined {
  if (listener?.advertise !== undefined) return listener.advertise;
  return bound === undefined || ANYWHERE.has(bound.host) ? undefined : formatAddress(bound);
}
