export { NeverHappenedError, eventually } from './eventually.ts';
export { freePort } from './free-port.ts';
export { startNats } from './nats-server.ts';
export type { NatsServer } from './nats-server.ts';
export { startRedis } from './redis-server.ts';
export type { RedisServer } from './redis-server.ts';
export { ServerProcess, ServerStartError } from './server-process.ts';
export type { ServerProgram } from './server-process.ts';
