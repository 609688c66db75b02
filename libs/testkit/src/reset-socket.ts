import type { Socket } from 'node:net';

/** Resets a connection. While an end of a moment ago is on its way, node:net would lose the socket: the reset follows it. */
export function resetSocket(socket: Socket): void {
  const isEnding = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
  if (isEnding) socket.once('finish', () => socket.resetAndDestroy());
  else socket.resetAndDestroy();
}
