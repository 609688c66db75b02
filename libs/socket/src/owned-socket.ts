import type { Socket } from 'node:net';
import { readDirectly } from './direct-read.ts';

/** Whoever a socket's bytes and events go to. Another owner may take over at any time, in any of these calls. */
export interface SocketOwner {
  /** Bytes at the front of a buffer that is used again after the call. Returning false stops reading. */
  onSocketRead(bytes: number, buffer: Buffer): boolean | void;
  /** After a write returned false: everything written has gone to the operating system. */
  onSocketDrain(): void;
  /** The other side sends no more. */
  onSocketEnd(): void;
  /** The socket is gone; called once. */
  onSocketClose(): void;
}

/** A socket with its owner. The listeners are shared by all sockets, so an idle one costs no closures. */
export interface OwnedSocket extends Socket {
  owner: SocketOwner;
}

/** Makes `owner` the receiver of everything that comes from the socket, from now on. */
export function own(socket: Socket, owner: SocketOwner): OwnedSocket {
  const owned = socket as OwnedSocket;
  const isFirst = owned.owner === undefined;
  owned.owner = owner;
  if (!isFirst) return owned;
  readDirectly(socket, onRead);
  socket.on('drain', onDrain);
  socket.on('end', onEnd);
  socket.on('close', onClose);
  socket.on('error', onError);
  return owned;
}

function onRead(this: OwnedSocket, bytes: number, buffer: Buffer): boolean | void {
  return this.owner.onSocketRead(bytes, buffer);
}

function onDrain(this: OwnedSocket): void {
  this.owner.onSocketDrain();
}

function onEnd(this: OwnedSocket): void {
  this.owner.onSocketEnd();
}

function onClose(this: OwnedSocket): void {
  this.owner.onSocketClose();
}

/** `close` follows and tells the owner; why a stranger's connection broke is nothing to act on. */
function onError(): void {}
