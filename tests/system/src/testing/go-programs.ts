import { execFile } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Where installed programs stay, so that later runs need neither network nor compiler. */
const CACHE = join(import.meta.dirname, '../../../../node_modules/.cache/go');
/** Compiling on a busy machine takes its time. */
const INSTALL_TIMEOUT_MS = 300_000;

export type Found = { readonly folder: string } | { readonly missing: string };

/** Programs of one version of a Go module, installed with the machine's Go when they are needed for the first time. */
export async function goPrograms(name: string, version: string, packages: readonly string[]): Promise<Found> {
  const folder = join(CACHE, `${name}-${version}`);
  const programs = packages.map((path) => path.split('/').at(-1) ?? '');
  if (programs.every((program) => existsSync(join(folder, program)))) return { folder };
  mkdirSync(folder, { recursive: true });
  const wanted = packages.map((path) => `${path}@${version}`);
  try {
    const env = { ...process.env, GOBIN: folder, GOFLAGS: '-mod=mod' };
    await promisify(execFile)('go', ['install', ...wanted], { env, timeout: INSTALL_TIMEOUT_MS });
    return { folder };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'there is no Go' : message.split('\n').slice(0, 2).join(' ');
    return { missing: `${name} is not installed, and cannot be: ${reason}` };
  }
}
