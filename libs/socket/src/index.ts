export { abort } from './abort.ts';
export { readDirectly } from './direct-read.ts';
export type { ReadCallback } from './direct-read.ts';
export { own } from './owned-socket.ts';
export type { OwnedSocket, SocketOwner } from './owned-socket.ts';
export { POOLED_BYTES, borrowBuffer, giveBack } from './buffer-pool.ts';
export { addressText, canonicalAddress, remoteAddress, remoteText, type RemoteEnd } from './remote.ts';
