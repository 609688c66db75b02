import type { ClientTls } from '@culvert/settings';
import type { MemoryBus, Signals } from '@culvert/signals';
import { OutageLog, visibleAddress, type Logger } from '@culvert/telemetry';

export interface SignalsOptions {
  /** Absent: the signals of this process alone. */
  readonly nats?: readonly string[];
  readonly tls?: ClientTls;
  readonly prefix: string;
  /** Shown in the NATS server's list of connections. */
  readonly name: string;
  readonly logger: Logger;
}

/** The bus of an installation. NATS being away is waited for, and told once for each outage. */
export async function openSignals({ nats, tls, prefix, name, logger }: SignalsOptions): Promise<Signals> {
  if (nats === undefined) {
    const { MemoryBus } = await import('@culvert/signals');
    return memorySignals(new MemoryBus(), logger);
  }
  const { connectNats } = await import('@culvert/signals-nats');
  const log = new OutageLog(logger, 'nats is not reachable; trying again', visibleAddress(nats));
  const signals = connectNats({
    servers: nats,
    prefix,
    name,
    ...(tls === undefined ? {} : { tls }),
    onError: (error) => log.failed(error),
    onHandlerError: logHandlerError(logger),
  });
  signals.onState((state) => {
    if (state === 'connected') log.recovered();
  });
  return signals;
}

/** A party on the bus of this process. */
export async function memorySignals(bus: MemoryBus, logger: Logger): Promise<Signals> {
  const { MemorySignals } = await import('@culvert/signals');
  return new MemorySignals(bus, { onHandlerError: logHandlerError(logger) });
}

function logHandlerError(logger: Logger): (error: unknown, subject: string) => void {
  return (error, subject) => logger.error('signal handler failed', { subject, error });
}
