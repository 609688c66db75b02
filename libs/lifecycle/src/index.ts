export { formatAddress, type ListenAddress } from './address.ts';
export { Backoff, type BackoffOptions } from './backoff.ts';
export { COARSE_CLOCK_STEP, coarseNow } from './coarse-clock.ts';
export { within, type Outcome } from './deadline.ts';
export { Deadlined, Deadlines } from './deadlines.ts';
export { FileWatch, type FileWatchOptions } from './file-watch.ts';
export { commandLine, startSuccessor, SuccessorFailedError, yieldToSuccessor } from './handover.ts';
export { AddressInUseError, listen, ListenDeniedError, ListenFailedError } from './listen.ts';
export { run, type ExitStatus, type RunOptions, type Service, type SignalSource } from './run.ts';
export type { RunLogger } from './run-logger.ts';
export {
  closeGiven,
  areAddressesShared,
  closeListeners,
  shareAddresses,
  stopListening,
} from './listening-sockets.ts';
export { announceReady, isSuccessor, predecessorYielded } from './predecessor.ts';
