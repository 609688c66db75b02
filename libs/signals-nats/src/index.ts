export { NatsSignals, connectNats } from './nats-signals.ts';
export type { NatsSignalsOptions } from './nats-signals.ts';
export { NatsAddressError } from './server-list.ts';
