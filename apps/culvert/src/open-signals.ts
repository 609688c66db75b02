import type { Signals } from '@culvert/signals';
import type { Logger } from '@culvert/telemetry';

export interface SignalsOptions {
  /** Absent: the signals of this process alone. */
  readonly nats?: readonly string[];
  readonly prefix: string;
  /** Shown in the NATS server's list of connections. */
  readonly name: string;
  readonly logger: Logger;
}

/** The bus of an installation. NATS being away is waited for, and told once for each outage. */
export async function openSignals({ nats, prefix, name, logger }: SignalsOptions): Promise<Signals> {
  const onHandlerError = (error: unknown, subject: string): void => {
    logger.error('signal handler failed', { subject, error });
  };
  if (nats === undefined) {
    const { MemoryBus, MemorySignals } = await import('@culvert/signals');
    return new MemorySignals(new MemoryBus(), { onHandlerError });
  }
  const { connectNats } = await import('@culvert/signals-nats');
  let told = false;
  const onError = (error: unknown): void => {
    const message = error instanceof Error ? error.message : String(error);
    logger[told ? 'debug' : 'warn']('nats failed; trying again', { error: message });
    told = true;
  };
  const signals = connectNats({ servers: nats, prefix, name, onError, onHandlerError });
  signals.onState((state) => {
    told = false;
    logger[state === 'connected' ? 'info' : 'warn'](`nats ${state}`);
  });
  return signals;
}
