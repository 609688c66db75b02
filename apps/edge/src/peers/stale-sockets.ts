import { readdir, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';

/** A socket that is younger may be one that is about to be listened at, ms. */
const SETTLED_MS = 60_000;

/**
 * Removes the sockets in a folder at which nobody listens any more: processes that were killed leave theirs behind. Others
 * may do the same at the same time. Never rejects: what cannot be removed stays.
 */
export async function removeStaleSockets(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const path = join(folder, name);
    if (name.endsWith('.sock') && (await isStale(path)))
      await rm(path, { force: true }).catch(() => undefined);
  }
}

async function isStale(path: string): Promise<boolean> {
  const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }));
  return Date.now() - mtimeMs > SETTLED_MS && isRefused(path);
}

function isRefused(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}
