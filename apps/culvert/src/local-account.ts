import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Environment } from '@culvert/settings';

/** What `culvert up` keeps for this user, so that `culvert http` on the same machine needs no flags. */
export interface LocalAccount {
  readonly agentToken: string;
  readonly adminToken: string;
  /** Where agents and the public arrived when it last ran, as `host:port`. */
  readonly agents?: string;
  readonly http?: string;
}

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
/** 192 bits, in characters that need no quoting anywhere. */
const TOKEN_BYTES = 24;

/** The file in the user's configuration folder. */
export function accountFile(env: Environment = process.env): string {
  const base = env['XDG_CONFIG_HOME'];
  return join(base === undefined || base === '' ? join(homedir(), '.config') : base, 'culvert', 'up.json');
}

/** The account as it was written; undefined when there is none or it is not one. */
export function readAccount(file: string): LocalAccount | undefined {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    // Absent, unreadable or damaged: all the same to those who ask, and "culvert up" writes a new one.
    return undefined;
  }
  return isAccount(value) ? value : undefined;
}

/** The account of before, or one with fresh tokens that is not written yet. */
export function openAccount(file: string): LocalAccount {
  return readAccount(file) ?? { agentToken: newToken(), adminToken: newToken() };
}

/** Replaces the file as a whole; only the user can read it, also when it was there with wider rights. */
export function writeAccount(file: string, account: LocalAccount): void {
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true, mode: FOLDER_MODE });
  chmodSync(folder, FOLDER_MODE);
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(account, undefined, 2)}\n`, { mode: FILE_MODE });
  renameSync(draft, file);
}

export function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

function isAccount(value: unknown): value is LocalAccount {
  if (typeof value !== 'object' || value === null) return false;
  const { agentToken, adminToken } = value as Partial<Record<string, unknown>>;
  return isToken(agentToken) && isToken(adminToken);
}

function isToken(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
