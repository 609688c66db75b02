import type { PoolInfo } from '@culvert/signals';
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Siblings are the processes of one edge on one machine: its workers, or one process and the one that follows it. They
 * share the public listeners, so that a connection may arrive at a process that an agent is not attached to; they relay to
 * each other over sockets that only their user can reach.
 */
export interface Self {
  readonly id: string;
  readonly boot: string;
}

const UNIX = 'unix:';
const OWNER_ONLY = 0o700;
const OTHERS = 0o077;

/** What an edge is called by others than its siblings: a worker's id is `name/number`. */
export function edgeName(id: string): string {
  return id.split('/', 1)[0] ?? id;
}

/**
 * A pool as it is reached from here: a sibling's through its own socket, under a name that tells it from other processes
 * of the same edge. Undefined for a pool of this process itself, and for one that cannot be reached.
 */
export function seenFrom(self: Self, pool: PoolInfo): PoolInfo | undefined {
  if (pool.boot === self.boot) return undefined;
  if (edgeName(pool.edge) !== edgeName(self.id)) return pool.peers === '' ? undefined : pool;
  if (pool.local === undefined) return undefined;
  return { ...pool, edge: siblingName(pool.edge, pool.boot), peers: `${UNIX}${pool.local}` };
}

/** What a process calls one of its siblings. */
export function siblingName(id: string, boot: string): string {
  return `${id}#${boot}`;
}

export function isSiblingName(name: string): boolean {
  return name.includes('#');
}

/** Whether a name is that of the edge, or of one of its processes as a sibling calls it. */
export function isOf(name: string, edge: string): boolean {
  return name === edge || name.startsWith(`${edge}#`);
}

/** The path of a sibling's socket, if the address is one. */
export function socketPath(address: string): string | undefined {
  return address.startsWith(UNIX) ? address.slice(UNIX.length) : undefined;
}

/** Siblings of an edge without a cluster secret prove to each other what only its user could know: this path. */
export function siblingSecret(id: string, secret: string | undefined): string {
  return (
    secret ??
    createHash('sha256')
      .update(`siblings of ${edgeName(id)}`)
      .digest('hex')
  );
}

/** Where the siblings of a process find it; undefined where no folder can be had that is this user's alone. */
export function socketFor({ boot }: Self): string | undefined {
  const user = process.getuid?.();
  const base = process.env['XDG_RUNTIME_DIR'];
  const folder = join(base === undefined || base === '' ? tmpdir() : base, `culvert-${user ?? 'edge'}`);
  try {
    mkdirSync(folder, { mode: OWNER_ONLY, recursive: true });
    const { uid, mode } = lstatSync(folder);
    if ((user !== undefined && uid !== user) || (mode & OTHERS) !== 0) return undefined;
  } catch {
    return undefined;
  }
  return join(folder, `${boot}.sock`);
}

export function removeSocket(path: string): void {
  rmSync(path, { force: true });
}
