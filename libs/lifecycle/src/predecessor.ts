import { Socket } from 'node:net';

/** Environment variable that tells a process the descriptor that connects it to the process it follows. */
export const PREDECESSOR_VARIABLE = 'CULVERT_PREDECESSOR';

let socket: Socket | undefined;
let isOver = Promise.resolve();

/** Whether this process was started to take over from another one. */
export function isSuccessor(): boolean {
  connect();
  return socket !== undefined;
}

/** Tells the process before this one, if there is one, that this one can take work. */
export function announceReady(): void {
  connect();
  socket?.write('ready\n');
}

/** Resolves when the process before this one leaves to it what both cannot do; at once when there is none. */
export function predecessorYielded(): Promise<void> {
  connect();
  return isOver;
}

function connect(): void {
  const descriptor = process.env[PREDECESSOR_VARIABLE];
  // Not for the processes that this one starts.
  delete process.env[PREDECESSOR_VARIABLE];
  if (descriptor === undefined) return;
  const opened = new Socket({ fd: Number(descriptor), readable: true, writable: true });
  isOver = new Promise((resolve) => {
    // It has gone: on purpose or not, there is nobody left to wait for.
    opened.on('error', () => undefined);
    opened.once('close', () => resolve());
  });
  opened.resume();
  opened.unref();
  socket = opened;
}
