import { closeSync } from 'node:fs';
import { Server } from 'node:net';

/** Environment variable in which a process finds the listening sockets that it was given: `[[name, descriptor], …]`. */
export const LISTENERS_VARIABLE = 'CULVERT_LISTENERS';

/** Sockets that others than this process know by their names, such as `entry point 127.0.0.1:8080`. */
type Named = readonly (readonly [name: string, descriptor: number])[];

const given = new Map<string, number[]>();
const open = new Set<{ readonly name: string; readonly server: Server }>();
let isShared = false;
let wasRead = false;

/** From now on other processes may listen on the same addresses, if they do the same (SO_REUSEPORT). */
export function shareAddresses(): void {
  isShared = true;
}

export function areAddressesShared(): boolean {
  return isShared;
}

/** The descriptor of a socket that this process was given under the name; its taker owns it. */
export function takeGiven(name: string): number | undefined {
  if (!wasRead) readGiven();
  return given.get(name)?.shift();
}

/** Closes what was given and nobody has taken: connections must not wait for a listener that never comes. */
export function closeGiven(): void {
  for (const descriptor of [...given.values()].flat()) closeSync(descriptor);
  given.clear();
}

/** Notes a server that listens, until it closes. */
export function noteListening(name: string, server: Server): void {
  const entry = { name, server };
  open.add(entry);
  server.once('close', () => open.delete(entry));
}

/** The sockets of all servers that listen. */
export function listeningSockets(): Named {
  return [...open].flatMap(({ name, server }) => {
    // Node has no public name for the descriptor of a server; it is undefined once the server has closed.
    const { fd = -1 } = (server as unknown as { readonly _handle?: { readonly fd?: number } })._handle ?? {};
    return fd < 0 ? [] : [[name, fd] as const];
  });
}

/** These servers accept no more; their sockets stay open where another process has them, too. */
export function closeListeners(which: (name: string) => boolean): void {
  for (const { name, server } of open) if (which(name)) stopListening(server);
}

/** Accepts no more. A server of HTTP would also cut connections that have been accepted and not been used yet. */
export function stopListening(server: Server): void {
  Server.prototype.close.call(server);
}

function readGiven(): void {
  wasRead = true;
  const text = process.env[LISTENERS_VARIABLE];
  // Not for the processes that this one starts.
  delete process.env[LISTENERS_VARIABLE];
  if (text === undefined) return;
  for (const [name, descriptor] of JSON.parse(text) as Named) {
    given.set(name, [...(given.get(name) ?? []), descriptor]);
  }
}
