export { MemoryBus } from './memory-bus.ts';
export { MemorySignals } from './memory-signals.ts';
export type { MemorySignalsOptions } from './memory-signals.ts';
export * from './messages.ts';
export type { HeaderRules, RoutePolicy, Size } from './route-policy.ts';
export { SESSIONS_PER_MESSAGE, sessionMessages } from './session-messages.ts';
export { NoRespondersError, SignalsDownError, SignalsTimeoutError } from './signals.ts';
export type { Signals, SignalsState, SubscribeOptions, Subscription } from './signals.ts';
