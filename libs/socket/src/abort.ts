import { Socket } from 'node:net';

/**
 * Closes a socket so that the other side sees an abort, not an end: by a reset. While the end of a moment ago is on its
 * way, node:net resets nothing and loses the socket instead, descriptor and all; so the reset follows it.
 * What only looks like a socket is told at once.
 */
export function abort(socket: Socket): void {
  const isEnding =
    socket instanceof Socket &&
    socket.writableEnded &&
    !socket.writableFinished &&
    socket.writableLength === 0;
  if (isEnding) socket.once('finish', () => socket.resetAndDestroy());
  else socket.resetAndDestroy();
}
