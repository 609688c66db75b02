import { readFileSync } from 'node:fs';

const source = (name: string): string =>
  readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8');

/** The scripts by the name of the command they become, with how many of its arguments are keys. */
export const SCRIPTS = {
  swap: { lua: source('swap'), numberOfKeys: 1 },
  lease: { lua: source('lease'), numberOfKeys: 7 },
  sessions: { lua: source('sessions'), numberOfKeys: 7 },
  leave: { lua: source('leave'), numberOfKeys: 7 },
  hold: { lua: source('hold'), numberOfKeys: 1 },
  lapsed: { lua: source('lapsed'), numberOfKeys: 1 },
  drop: { lua: source('drop'), numberOfKeys: 1 },
  seen: { lua: source('seen'), numberOfKeys: 1 },
  recent: { lua: source('recent'), numberOfKeys: 1 },
} as const;

/** The commands that the scripts add to a client. */
export interface ScriptCommands {
  swap(hash: string, field: string, expected: string, next: string): Promise<number>;
  lease(...keysAndArguments: readonly (string | number)[]): Promise<[outcome: number, claimsDue: number]>;
  sessions(...keysAndArguments: readonly (string | number)[]): Promise<number>;
  leave(...keysAndArguments: readonly string[]): Promise<number>;
  hold(claims: string, ms: number, mode: 'begin' | 'renew', ...members: readonly string[]): Promise<number>;
  lapsed(claims: string, most: number, ...members: readonly string[]): Promise<string[]>;
  drop(claims: string, ...members: readonly string[]): Promise<number>;
  seen(edges: string, id: string): Promise<number>;
  recent(edges: string, seconds: number): Promise<string[]>;
}
